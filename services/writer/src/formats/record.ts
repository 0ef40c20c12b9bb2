import type { KafkaRecord } from '@tapline/kafka';
import type { Change } from '@tapline/sink';

type SourceBlock = NonNullable<Change['source']>;

/** A record of a foreign topic with what it needs to become changes. */
export class FormatRecord {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly version: bigint;

  constructor(topic: string, { key, value }: KafkaRecord, version: bigint) {
    this.topic = topic;
    this.key = key;
    this.value = value;
    this.version = version;
  }

  /** The topic up to its first dot stands for the source's name, where the record gives none. */
  source(db: string, table: string, ts_ms: number): SourceBlock {
    const name = this.topic.split('.', 1)[0] ?? '';
    return { name, db, table, ts_ms, gtid: null, file: '', pos: 0, row: 0, snapshot: 'false' };
  }
}
