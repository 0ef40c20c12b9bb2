import type { RowsEvent, TableMap } from '@tapline/binlog';
import { type AvroEnvelope, bindTable, compileEnvelope, GrowingSink } from '@tapline/envelope';
import { type MysqlConnection, quoteName } from '@tapline/mysql';
import type { Table } from '@tapline/schema';
import { PLAIN_META } from '../plain-meta.ts';
import { valueOf } from './value-of.ts';

function envelopeOf(table: Table, wire?: TableMap): AvroEnvelope {
  const envelope = compileEnvelope({
    source: 's',
    table,
    keyColumns: undefined,
    ...(wire === undefined ? {} : { wire }),
  });
  envelope.bind({ value: 1 });
  return envelope;
}

/** The message of the last row that the event inserts, decoded by the table as the catalogue has it. */
export function messageOfInsert(event: RowsEvent, table: Table): Buffer {
  const envelope = envelopeOf(bindTable(table, event.table), event.table);
  let written: Buffer = Buffer.alloc(0);
  while (event.next()) {
    const sink = new GrowingSink();
    envelope.writeValue(sink, 'c', undefined, event.after, PLAIN_META);
    written = sink.written();
  }
  return written;
}

/** The same of the one row that a SELECT gives. */
export async function messageOfSelect(connection: MysqlConnection, table: Table): Promise<Buffer> {
  const envelope = envelopeOf(table);
  const sink = new GrowingSink();
  const sql = `SELECT ${envelope.selectList} FROM ${quotedTable(table)} LIMIT 1`;
  for await (const batch of connection.stream(sql, { bufferBytes: 1 << 20 })) {
    for (const row of batch) envelope.writeSnapshotValue(sink, row, PLAIN_META);
  }
  // An insert, not a row of a load: the two messages differ in nothing else.
  const message = sink.written();
  message[message.lastIndexOf('\x02r') + 1] = 'c'.charCodeAt(0);
  return message;
}

/** Leaves one row with a value in every column that takes one. False: the table takes none (a check, a partition that is not there). */
export async function insertRow(
  connection: MysqlConnection,
  table: Table,
  numbered: ReadonlySet<string>,
): Promise<boolean> {
  const name = quotedTable(table);
  const values = table.columns.flatMap((column): [string, string][] => {
    const value = valueOf(column, connection.flavor, numbered.has(column.name));
    return value === undefined ? [] : [[quoteName(column.name), value]];
  });
  const given = `(${values.map(([column]) => column).join()}) VALUES (${values.map(([, value]) => value).join()})`;
  for (const row of [given, '() VALUES ()']) {
    try {
      // What CREATE TABLE … SELECT has left.
      await connection.execute(`DELETE FROM ${name}`);
      await connection.execute(`INSERT IGNORE INTO ${name} ${row}`);
      const [count] = await connection.query(`SELECT COUNT(*) FROM ${name}`);
      if (count?.[0] === '1') return true;
    } catch {
      // Then with nothing but defaults.
    }
  }
  return false;
}

export function quotedTable({ database, name }: Table): string {
  return `${quoteName(database)}.${quoteName(name)}`;
}
