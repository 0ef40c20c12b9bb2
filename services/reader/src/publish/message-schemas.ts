import { avroTransactionRecords, compileEnvelope } from '@tapline/envelope';
import type { Column, Table } from '@tapline/schema';

/** The Avro schema of one kind of message, as the reader registers it. */
export interface MessageSchema {
  readonly name: string;
  /** JSON. */
  readonly text: string;
}

const column = (name: string, type: string, columnType: string, more: Partial<Column> = {}): Column => ({
  name,
  type,
  columnType,
  nullable: true,
  unsigned: false,
  ...more,
});

/** A table with some of what tables have. */
const SAMPLE: Table = {
  database: 'shop',
  name: 'orders',
  columns: [
    column('id', 'bigint', 'bigint unsigned', { nullable: false, unsigned: true }),
    column('status', 'enum', "enum('new','paid')", { nullable: false, charset: 'utf8mb4', members: ['new', 'paid'] }),
    column('total', 'decimal', 'decimal(10,2)', { precision: 10, scale: 2 }),
    column('changed', 'datetime', 'datetime(6)', { fsp: 6 }),
    column('note', 'text', 'text', { charset: 'utf8mb4', collation: 'utf8mb4_0900_ai_ci', length: 65_535 }),
  ],
  primaryKey: ['id'],
  uniqueKeys: [],
};

/** For the reference: the key and the value of a table of an example, and those of the transaction topic. */
export async function messageSchemas(): Promise<readonly MessageSchema[]> {
  const { keySchema = '', valueSchema } = compileEnvelope({
    source: 'shop',
    table: SAMPLE,
    keyColumns: SAMPLE.primaryKey,
  });
  const ofTransactions: MessageSchema[] = [];
  await avroTransactionRecords(async (part, text) => ofTransactions.push({ name: `transaction ${part}`, text }));
  return [{ name: 'key', text: keySchema }, { name: 'value', text: valueSchema }, ...ofTransactions];
}
