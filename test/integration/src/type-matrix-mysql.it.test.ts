import { MYSQL_SERVERS } from './types/column.ts';
import { describeServer } from './types/describe-server.ts';

// MySQL and MariaDB apart, so that two cores share them.
MYSQL_SERVERS.forEach(describeServer);
