import { compileEnvelope, GrowingSink, TransactionContext } from '@tapline/envelope';
import { encodeHeaders, type Kafka, type OrderedProducer } from '@tapline/kafka';
import type { Registry } from '@tapline/registry';
import type { Column, Table } from '@tapline/schema';

/** A row of the tests' table; undefined values do not occur, null is NULL. */
export interface ItemRow {
  readonly id: number;
  readonly name: string | null;
  readonly price: string;
}

const COLUMNS: readonly Column[] = [
  { name: 'id', type: 'bigint', columnType: 'bigint', nullable: false, unsigned: false },
  {
    name: 'name',
    type: 'varchar',
    columnType: 'varchar(100)',
    nullable: true,
    unsigned: false,
    charset: 'utf8mb4',
    collation: 'utf8mb4_bin',
    length: 100,
  },
  {
    name: 'price',
    type: 'decimal',
    columnType: 'decimal(10,2)',
    nullable: false,
    unsigned: false,
    precision: 10,
    scale: 2,
  },
];

/**
 * Plays the reader for the writer's tests: rows of `shop.item` become records as the reader makes them, in a topic of one source, with versions that
 * grow by one.
 */
export class TopicWriter implements AsyncDisposable {
  readonly source: string;
  readonly topic: string;
  readonly partitions: number;
  version = 1_000_000n;
  readonly #producer: OrderedProducer;
  readonly #envelope: ReturnType<typeof compileEnvelope>;
  readonly #key = new GrowingSink(256);
  readonly #value = new GrowingSink(1024);
  readonly #transaction = new TransactionContext();

  private constructor(
    source: string,
    partitions: number,
    producer: OrderedProducer,
    envelope: ReturnType<typeof compileEnvelope>,
  ) {
    this.source = source;
    this.topic = `${source}.shop.item`;
    this.partitions = partitions;
    this.#producer = producer;
    this.#envelope = envelope;
  }

  static async open(kafka: Kafka, registry: Registry, source: string, partitions = 4): Promise<TopicWriter> {
    const table: Table = { database: 'shop', name: 'item', columns: COLUMNS, primaryKey: ['id'], uniqueKeys: [] };
    const envelope = compileEnvelope({ source, table, keyColumns: ['id'] });
    const topic = `${source}.shop.item`;
    const key = await registry.idFor(`${topic}-key`, envelope.keySchema ?? '');
    const value = await registry.idFor(`${topic}-value`, envelope.valueSchema);
    envelope.bind({ key, value });
    await kafka.topics.ensure([{ topic, partitions, replicationFactor: 1 }]);
    return new TopicWriter(source, partitions, kafka.producer(), envelope);
  }

  put(row: ItemRow): void {
    const text = [String(row.id), row.name, row.price].map((value) => (value === null ? null : Buffer.from(value)));
    const now = Date.now();
    this.#transaction.start({ gtid: '', commitMicros: BigInt(now) * 1000n, file: 'binlog.000001', serverId: 1 });
    const meta = { transaction: this.#transaction, position: 4, row: 0, readMs: now, totalOrder: 1, tableOrder: 1 };
    this.#value.position = 0;
    this.#envelope.writeSnapshotValue(this.#value, text, meta);
    this.#append(text, Buffer.from(this.#value.written()));
  }

  /** A tombstone. */
  remove(id: number): void {
    this.#append([Buffer.from(String(id)), null, null], null);
  }

  /** Bytes that are no change event. */
  putBytes(id: number, value: Buffer): void {
    this.#append([Buffer.from(String(id)), null, null], value);
  }

  /** Resolves when the brokers have everything. */
  async sent(): Promise<void> {
    await this.#producer.mark();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#producer[Symbol.asyncDispose]();
  }

  #append(text: readonly (Buffer | null)[], value: Buffer | null): void {
    this.#key.position = 0;
    this.#envelope.writeKeyFromText(this.#key, text);
    const key = Buffer.from(this.#key.written());
    const version = Buffer.alloc(8);
    version.writeBigInt64BE(++this.version);
    const lane = this.#producer.lane(this.topic, this.#producer.partitionFor(key, this.partitions));
    this.#producer.append(lane, key, value, Date.now(), encodeHeaders({ v: version }));
  }
}
