import { describeMatrix } from './types/describe-matrix.ts';
import { type MetadataChange, runMatrix } from './types/run.ts';

const CASES: readonly (readonly ['mysql' | 'mariadb', MetadataChange])[] = [
  ['mysql', { inserts: 'MINIMAL', updates: 'FULL' }],
  ['mariadb', { inserts: 'NO_LOG', updates: 'FULL' }],
];

for (const [server, metadata] of CASES) {
  describeMatrix(
    server,
    `inserted with binlog_row_metadata = ${metadata.inserts} and updated with FULL`,
    (of, tables) => runMatrix(of, tables, undefined, metadata),
  );
}
