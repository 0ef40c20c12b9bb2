import { MARIADB_SERVERS } from './types/column.ts';
import { describeServer } from './types/describe-server.ts';

MARIADB_SERVERS.forEach(describeServer);
