import { type TransactionNote, type TransactionRecords, transactionIdOf } from '@tapline/envelope';
import { encodeHeaders, type OrderedProducer } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import type { ReaderConfig } from '../config.ts';
import type { Origin } from '../failover/lost.ts';
import type { ProgressRecord } from '../progress/record.ts';
import type { Tracking } from '../source/executed.ts';
import type { MessageFormat } from './format.ts';
import type { Route, RouteTopics } from './routes.ts';
import type { TopicLanes } from './topic-lanes.ts';
import type { VersionClock } from './version-clock.ts';

interface TransactionStart {
  readonly gtid: string;
  readonly commitMicros: bigint;
}

const PARTITION = 0;

/**
 * Notes the transactions of published changes in `<source>.transactions`: BEGIN in front of the first change, END with the counts of each table behind
 * the last one, both handed to the producer in that order with the changes. Topics have no order among each other: an END says what to wait for.
 *
 * A replay gives the same notes, as they follow from the changes alone, so they are counted and skipped like records of any topic. They take no version:
 * `v` is the one given last, so that nothing else changes when the topic is switched on or off.
 */
export class TransactionTopic {
  readonly #lanes: TopicLanes;
  readonly #records: TransactionRecords;
  readonly #producer: OrderedProducer;
  readonly #clock: VersionClock;
  readonly #headers: Buffer = Buffer.from(encodeHeaders({ v: Buffer.alloc(8) }));
  readonly #version: Buffer = this.#headers.subarray(this.#headers.length - 8);
  #open: TransactionStart | undefined;
  #routes: Route[] = [];
  #nowMs = 0;

  private constructor(
    lanes: TopicLanes,
    parts: { records: TransactionRecords; producer: OrderedProducer; clock: VersionClock },
  ) {
    this.#lanes = lanes;
    this.#records = parts.records;
    this.#producer = parts.producer;
    this.#clock = parts.clock;
  }

  /**
   * undefined when it is not asked for.
   *
   * @throws TaplineError CONFIG_INVALID for a source without GTIDs: its transactions have no names that hold on another server.
   */
  static async open(parts: {
    readonly config: ReaderConfig;
    readonly tracking: Tracking;
    readonly topics: RouteTopics;
    readonly format: MessageFormat;
    readonly producer: OrderedProducer;
    readonly clock: VersionClock;
  }): Promise<TransactionTopic | undefined> {
    const { config, tracking, topics, format } = parts;
    if (!config.transactions.topic) return undefined;
    if (tracking === 'file') {
      throw new TaplineError('CONFIG_INVALID', {
        message: 'transactions.topic needs GTIDs: without them transactions have no ids.',
        place: { path: 'transactions.topic' },
      });
    }
    const topic = transactionTopicOf(config.name);
    const { retentionMs } = config.transactions;
    const lanes = await topics.open({
      topic,
      table: topic,
      append: true,
      shared: 'refuse',
      partitions: 1,
      config: { 'retention.ms': String(retentionMs) },
    });
    return new TransactionTopic(lanes, { ...parts, records: await format.transactions(topic) });
  }

  /** In front of the transaction's first change. */
  begin(transaction: TransactionStart, nowMs: number): void {
    this.#open = transaction;
    this.#nowMs = nowMs;
    this.#note({ status: 'BEGIN', ...idAndTime(transaction) });
  }

  /** The first change of a table in the transaction. */
  touches(route: Route): void {
    this.#routes.push(route);
  }

  /** Behind the transaction's last change. Does nothing when there was none. */
  end(): void {
    if (this.#open === undefined) return;
    const tables = this.#routes.map(({ name, changes }) => [name, changes] as const);
    this.#note({ status: 'END', ...idAndTime(this.#open), tables });
    this.#open = undefined;
    this.#routes = [];
  }

  /** In place of a transaction whose changes are not published. */
  skipped(transaction: TransactionStart, nowMs: number, tables?: TransactionNote['tables']): void {
    this.#nowMs = nowMs;
    this.#note({ status: 'SKIPPED', ...idAndTime(transaction), ...(tables === undefined ? {} : { tables }) });
  }

  #note(note: TransactionNote): void {
    this.#version.writeBigInt64BE(this.#clock.last);
    const key = this.#records.key(note.id);
    if (!this.#lanes.advance(PARTITION, key, this.#version)) return;
    const value = this.#records.value(note);
    this.#producer.append(this.#lanes.lane(PARTITION), key, value, this.#nowMs, this.#headers);
  }
}

function idAndTime({ gtid, commitMicros }: TransactionStart): { id: string; commitMs: number } {
  return { id: gtid, commitMs: Number(commitMicros / 1000n) };
}

function transactionTopicOf(source: string): string {
  return `${source}.transactions`;
}

/** The record without what it says of the topic, where it is not written any more: nobody would pass what an earlier life left there. */
export function withoutUnusedTopic(config: ReaderConfig, record: ProgressRecord): ProgressRecord {
  const topic = transactionTopicOf(config.name);
  if (config.transactions.topic || !record.offsets.has(topic)) return record;
  return { ...record, offsets: new Map([...record.offsets].filter(([name]) => name !== topic)) };
}

/** Where a value comes from, in a topic of changes or in this one. */
export function originReader(config: ReaderConfig, format: MessageFormat) {
  return async (value: Buffer, topic: string): Promise<Origin | undefined> =>
    topic === transactionTopicOf(config.name)
      ? { gtid: transactionIdOf(value), table: undefined }
      : await format.originOf(value);
}
