import { type BinlogRecording, type BinlogStream, replayBinlog } from '@tapline/binlog';
import { connect, readTables } from '@tapline/mysql';
import type { Table } from '@tapline/schema';
import type { SqlServer } from '@tapline/test-stack';
import { drainBinlog } from '../drain.ts';
import { type BinlogEnd, binlogEnd, DATABASE, TABLE } from '../rows.ts';
import type { DecodeTable } from './tables.ts';

/** The binlog of some row changes of one table, in memory. */
export interface Recording extends BinlogRecording {
  readonly table: Table;
  readonly rows: number;
  readonly bytes: number;
  /** Where it begins on the server. */
  readonly start: BinlogEnd;
}

/** Makes the rows on the server and takes their binlog from it. */
export async function record(mysql: SqlServer, of: DecodeTable, rows: number): Promise<Recording> {
  await of.prepare(mysql, rows);
  const start = await binlogEnd(mysql);
  await of.change(mysql, rows);
  const chunks: Buffer[] = [];
  await drainBinlog(mysql, start, (chunk) => chunks.push(chunk));
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return { table: await tableOf(mysql), rows, bytes, start, chunks, file: start.file, checksums: true };
}

async function tableOf(mysql: SqlServer): Promise<Table> {
  await using connection = await connect(mysql.address);
  const [table] = await readTables(connection, {
    matches: (database, name) => database === DATABASE && name === TABLE,
    mayMatchIn: (database) => database === DATABASE,
  });
  if (table === undefined) throw new Error('the table is not there');
  return table;
}

export function replay(recording: Recording): BinlogStream {
  const wants = (database: string, table: string): boolean => database === DATABASE && table === TABLE;
  // As the reader's default source.bufferBytes.
  return replayBinlog(recording, { wants, bufferBytes: 8 << 20 }, AbortSignal.timeout(600_000));
}
