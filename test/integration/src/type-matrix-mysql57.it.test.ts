import { describeMatrix } from './types/describe-matrix.ts';
import { runMatrix } from './types/run.ts';

// Its binlog says nothing of columns but their wire types: the schema history says the rest.
describeMatrix('mysql57', 'from the table to the topic', runMatrix);
