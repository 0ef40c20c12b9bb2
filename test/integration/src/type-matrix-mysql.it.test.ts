import { MYSQL_SERVERS } from './types/column.ts';
import { describeMatrix } from './types/describe-matrix.ts';
import { runMatrix } from './types/run.ts';

// MySQL and MariaDB apart, so that two cores share them.
for (const server of MYSQL_SERVERS) describeMatrix(server, 'from the table to the topic', runMatrix);
