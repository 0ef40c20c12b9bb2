import type { RowImage, TableMap } from '@tapline/binlog';
import { ColumnValue, type TableEnvelope } from '@tapline/envelope';
import type { Table } from '@tapline/schema';
import type { RouteTopics } from '../publish/routes.ts';
import type { TopicLanes } from '../publish/topic-lanes.ts';
import type { OutboxConfig } from './config.ts';
import { type Destination, findColumn } from './rules.ts';
import { topicName } from './topics.ts';

/** One event of an application, as its row in an outbox table says it. */
export interface OutboxEvent {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly payload: Buffer | null;
  /** Of columns that are not NULL. */
  readonly headers: Readonly<Record<string, Buffer>>;
}

/** How many characters of a key are printed. */
const KEY_CHARACTERS = 200;

/** A record that its topic does not take is told with its key; the payload is the application's, so nothing can be left out of it. */
const ENVELOPE: Pick<TableEnvelope, 'printKey' | 'writeReduced'> = {
  printKey: (key) => JSON.stringify(key.toString().slice(0, KEY_CHARACTERS)),
  writeReduced(sink, value) {
    sink.ensure(value.length);
    sink.position += value.copy(sink.buffer, sink.position);
  },
};

/**
 * An outbox table: its rows are events that go to the topics which they name, in binlog order. A row's topic is a function of the row alone, so a replay counts
 * the same records in the same partitions. A topic that nobody has written to yet is opened before its first event, as a table's is, so that the progress
 * record knows it.
 */
export class Outbox {
  readonly name: string;
  readonly envelope: Pick<TableEnvelope, 'printKey' | 'writeReduced'> = ENVELOPE;
  readonly #config: OutboxConfig;
  readonly #shape: Pick<Destination, 'partitions' | 'config'>;
  readonly #topics: RouteTopics;
  readonly #columns: Readonly<Record<'type' | 'key' | 'payload', ColumnValue>>;
  readonly #headers: readonly (readonly [string, ColumnValue])[];
  readonly #open = new Map<string, TopicLanes>();

  constructor(
    table: Table,
    parts: {
      readonly config: OutboxConfig;
      readonly shape: Pick<Destination, 'partitions' | 'config'>;
      readonly wire: TableMap | undefined;
      readonly topics: RouteTopics;
    },
  ) {
    const { config, shape, wire, topics } = parts;
    const value = (name: string): ColumnValue => {
      const index = table.columns.findIndex((column) => column === findColumn(table, name));
      return new ColumnValue(table.columns[index] as Table['columns'][number], index, wire?.columns[index]);
    };
    this.name = `${table.database}.${table.name}`;
    this.#config = config;
    this.#shape = shape;
    this.#topics = topics;
    this.#columns = { type: value(config.type), key: value(config.key), payload: value(config.payload) };
    this.#headers = [
      ['id', value(config.id)],
      ...Object.entries(config.headers).map(([name, column]) => [name, value(column)] as const),
    ];
  }

  event(row: RowImage): OutboxEvent {
    const { type, key, payload } = this.#columns;
    const kind = bytesOf(type, row)?.toString() ?? 'null';
    return {
      topic: topicName(this.#config.topic.replaceAll('${type}', () => kind)),
      key: bytesOf(key, row),
      payload: bytesOf(payload, row),
      headers: this.#headersOf(row),
    };
  }

  #headersOf(row: RowImage): Record<string, Buffer> {
    const headers: Record<string, Buffer> = {};
    for (const [name, column] of this.#headers) {
      const value = bytesOf(column, row);
      if (value !== null) headers[name] = value;
    }
    return headers;
  }

  /** undefined: it must be opened first. */
  lanes(topic: string): TopicLanes | undefined {
    return this.#open.get(topic);
  }

  async open(topic: string): Promise<TopicLanes> {
    const { partitions, config } = this.#shape;
    const lanes = await this.#topics.open({
      topic,
      table: this.name,
      append: true,
      shared: 'uniqueKeys',
      partitions,
      config,
    });
    this.#open.set(topic, lanes);
    return lanes;
  }
}

/** Texts, numbers and times as text in UTF-8; binary values as they are. */
function bytesOf(column: ColumnValue, row: RowImage): Buffer | null {
  const value = column.ofImage(row);
  if (value === null) return null;
  return value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value));
}
