import { MARIADB_SERVERS } from './types/column.ts';
import { describeMatrix } from './types/describe-matrix.ts';
import { runMatrix } from './types/run.ts';

for (const server of MARIADB_SERVERS) describeMatrix(server, 'from the table to the topic', runMatrix);
