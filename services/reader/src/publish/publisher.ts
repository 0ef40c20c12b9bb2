import { type BinlogPosition, COLUMN_STATE, type RowImage, type RowsEvent } from '@tapline/binlog';
import {
  absentColumns,
  type ChangeMeta,
  GrowingSink,
  keyPayload,
  type TextRow,
  TransactionContext,
  type TransactionNote,
  type TransactionStart,
} from '@tapline/envelope';
import { encodeHeaders, type Lane, type OrderedProducer } from '@tapline/kafka';
import type { Outbox, OutboxEvent } from '../shape/outbox.ts';
import type { Oversize, OversizeRecord } from './oversize.ts';
import type { Route } from './routes.ts';
import type { TopicLanes } from './topic-lanes.ts';
import type { TransactionTopic } from './transaction-topic.ts';
import type { VersionClock } from './version-clock.ts';

/** Told of every key published from the stream for the tables that are being loaded. */
export interface KeyObserver {
  watches(table: string): boolean;
  /** `absent`: columns of the row that the change did not carry. */
  observe(table: string, key: string, absent: readonly string[]): void;
}

export interface PublisherOptions {
  readonly producer: OrderedProducer;
  readonly clock: VersionClock;
  /**
   * Which time of a transaction its versions are made of: one that every server has which replicates it. `row`: that of its first row, for MariaDB, whose
   * replicas give a transaction the time of its last statement in place of that of its COMMIT.
   */
  readonly versionsBy: 'commit' | 'row';
  readonly oversize: Pick<Oversize, 'publish'>;
  readonly tombstones: boolean;
  /** Whether updates carry the row as it was. */
  readonly beforeImage: boolean;
  /** Where transactions are noted; undefined: nowhere. */
  readonly transactions?: TransactionTopic | undefined;
}

const VERSION_BYTES = 8;
const APPEND_PARTITION = 0;
/** What encoding may keep of its memory after a giant row. */
const KEPT_BYTES = 16 * 1024 * 1024;
/** In a buffer beyond this a row may be a giant: its value gets its room at once, instead of moving when its second image comes. */
const LARGE_BYTES = 4 * 1024 * 1024;

/**
 * Turns row changes into records, in binlog order: one record a change, a tombstone after a delete, and delete + tombstone + create for an
 * update that changes the key. Every record takes the next version, sent or skipped, so a replay gives the same versions.
 */
export class Publisher {
  readonly #producer: OrderedProducer;
  readonly #clock: VersionClock;
  readonly #versionsBy: PublisherOptions['versionsBy'];
  readonly #oversize: Pick<Oversize, 'publish'>;
  readonly #tombstones: boolean;
  readonly #beforeImage: boolean;
  readonly #transactions: TransactionTopic | undefined;
  readonly #key = new GrowingSink(1024);
  readonly #value = new GrowingSink(64 * 1024);
  readonly #transaction = new TransactionContext();
  readonly #headers: Buffer = Buffer.from(encodeHeaders({ v: Buffer.alloc(VERSION_BYTES) }));
  /** The version of the record at hand, where it stands in the headers. */
  readonly #version: Buffer = this.#headers.subarray(this.#headers.length - VERSION_BYTES);
  readonly #meta: ChangeMeta = {
    transaction: this.#transaction,
    position: 0,
    row: 0,
    readMs: 0,
    totalOrder: 0,
    tableOrder: 0,
    version: this.#version,
  };
  #pending: Pick<TransactionStart, 'gtid' | 'commitMicros' | 'file'> | undefined;
  #transactionNumber = 0;
  #file = '';
  /** Of the transaction at hand; '' without one. */
  #gtid = '';
  #observer: KeyObserver | undefined;
  /** Records handed to the producer, and records that stood in the topics already. */
  sent = 0;
  skipped = 0;

  constructor(options: PublisherOptions) {
    this.#producer = options.producer;
    this.#clock = options.clock;
    this.#versionsBy = options.versionsBy;
    this.#oversize = options.oversize;
    this.#tombstones = options.tombstones;
    this.#beforeImage = options.beforeImage;
    this.#transactions = options.transactions;
  }

  /** Set while the first load runs. */
  set observer(observer: KeyObserver | undefined) {
    this.#observer = observer;
  }

  begin(gtid: string, commitMicros: bigint, position: BinlogPosition): void {
    if (this.#versionsBy === 'commit') this.#clock.startTransaction(commitMicros);
    // The server id is in the rows events only.
    this.#pending = { gtid, commitMicros, file: position.file };
    this.#file = position.file;
    this.#gtid = gtid;
  }

  /** The transaction that has begun is at its end. */
  end(): void {
    this.#transactions?.end();
  }

  /** The transaction that has begun has these changes, and they are not published. */
  leaveOut(tables: TransactionNote['tables']): void {
    if (this.#pending !== undefined) this.#transactions?.skipped(this.#pending, this.#meta.readMs, tables);
  }

  /** To be called for every pulled batch: `ts_ms` and the records' time. */
  tick(nowMs: number): void {
    this.#meta.readMs = nowMs;
  }

  /** To be called when nothing more is at hand: gives back what a giant row has taken. */
  trim(): void {
    this.#value.shrink(KEPT_BYTES);
  }

  /** Publishes the current row of `event`. A promise when that takes time: its row must stay the current one until then. */
  change(route: Route, event: RowsEvent): Promise<void> | undefined {
    const { filter } = route;
    if (filter === undefined) return this.#change(route, event.op, event);
    const op = filter.decide(event);
    if (op === undefined) return undefined;
    return route.outbox === undefined ? this.#change(route, op, event) : this.#event(route.outbox, event);
  }

  /** `op`: as what it is published. */
  #change(route: Route, op: RowsEvent['op'], event: RowsEvent): Promise<void> | undefined {
    if (this.#pending !== undefined) this.#startTransaction(this.#pending, event);
    this.#meta.position = event.position.position;
    this.#meta.row = event.rowIndex;
    switch (op) {
      case 'insert':
        return this.#write(route, 'c', undefined, event.after);
      case 'delete':
        return this.#write(route, 'd', event.before, undefined);
      case 'update': {
        if (!route.envelope.keyChanged(event.before, event.after)) {
          return this.#write(route, 'u', this.#beforeImage ? event.before : undefined, event.after);
        }
        const deleting = this.#write(route, 'd', event.before, undefined);
        const create = (): Promise<void> | undefined => this.#write(route, 'c', undefined, event.after);
        return deleting === undefined ? create() : deleting.then(create);
      }
    }
  }

  /** Starts a chunk of the first load: its rows carry the place of the stream. */
  beginChunk(position: BinlogPosition, nowMs: number): void {
    this.#transaction.start({
      gtid: '',
      commitMicros: BigInt(nowMs) * 1000n,
      file: position.file,
      serverId: 0,
      snapshot: 'true',
    });
    this.#file = position.file;
    this.#meta.position = position.position;
    this.#meta.row = 0;
    this.#meta.readMs = nowMs;
  }

  /** Publishes a row of the first load, or these columns of it and its key, as `change` does. */
  snapshotRow(route: Route, row: TextRow, columns?: readonly string[]): Promise<void> | undefined {
    if (route.filter?.keeps(row) === false) return undefined;
    this.#encodeTextKey(route, row);
    this.#clock.next(this.#version, 0);
    this.#value.position = 0;
    const part = columns === undefined ? row : route.partOf(row, columns);
    route.envelope.writeSnapshotValue(this.#value, part, this.#meta);
    return this.#emit(route, 'r', this.#key.written(), this.#value.written());
  }

  /** The key of a row of the first load, in the form that the observer gets from the stream. */
  keyOf(route: Route, row: TextRow): string {
    this.#encodeTextKey(route, row);
    return keyText(this.#key.written());
  }

  /**
   * Publishes that this key, as it stands in the topic, is not in the table any more: a delete without a before image, and a tombstone. `tombstone`: that alone. Of a table that
   * is gone too, `route` is undefined: nobody knows its columns, and there is the tombstone only.
   */
  delete(lanes: TopicLanes, route: Route | undefined, key: Buffer, what?: 'tombstone'): void {
    if (route !== undefined && what !== 'tombstone') {
      this.#clock.next(this.#version, 0);
      this.#value.position = 0;
      route.envelope.writeValue(this.#value, 'd', undefined, undefined, this.#meta);
      const headers = route.headers?.stamp('d', this.#meta, this.#version) ?? this.#headers;
      this.#append(lanes, key, this.#value.written(), headers);
    }
    if (!this.#tombstones && route !== undefined) return;
    this.#clock.next(this.#version, 0);
    this.#append(lanes, key, null, this.#headers);
  }

  #append(lanes: TopicLanes, key: Buffer, value: Buffer | null, headers: Buffer): void {
    const lane = this.#laneFor(lanes, key);
    if (lane !== undefined) this.#producer.append(lane, key, value, this.#meta.readMs, headers);
  }

  #startTransaction(pending: Pick<TransactionStart, 'gtid' | 'commitMicros' | 'file'>, event: RowsEvent): void {
    this.#startClock(event);
    this.#transaction.start({ ...pending, serverId: event.serverId });
    this.#pending = undefined;
    this.#meta.totalOrder = 0;
    this.#transactionNumber++;
    this.#transactions?.begin(pending, this.#meta.readMs);
  }

  #startClock({ timestampSeconds }: RowsEvent): void {
    if (this.#versionsBy === 'row') this.#clock.startTransaction(BigInt(timestampSeconds) * 1_000_000n);
  }

  #write(
    route: Route,
    op: 'c' | 'u' | 'd',
    before: RowImage | undefined,
    after: RowImage | undefined,
  ): Promise<void> | undefined {
    const meta = this.#meta;
    meta.totalOrder++;
    meta.tableOrder = route.nextOrder(this.#transactionNumber);
    if (meta.tableOrder === 1) this.#transactions?.touches(route);
    const image = (after ?? before) as RowImage;
    const key = this.#encodeKey(route, image);
    this.#value.position = 0;
    if (image.buffer.length > LARGE_BYTES) this.#value.ensure(rowBytes(before) + rowBytes(after));
    this.#clock.next(this.#version, 0);
    route.envelope.writeValue(this.#value, op, before, after, meta);
    const oversize = this.#emit(route, op, key, this.#value.written());
    if (oversize !== undefined) return oversize.then(() => this.#written(route, op, key, after));
    return this.#written(route, op, key, after);
  }

  #written(
    route: Route,
    op: 'c' | 'u' | 'd',
    key: Buffer | null,
    after: RowImage | undefined,
  ): Promise<void> | undefined {
    if (key === null) return undefined;
    const observer = this.#observer;
    if (observer?.watches(route.name) === true) {
      observer.observe(
        route.name,
        keyText(key),
        op === 'u' && after?.base !== undefined ? absentColumns(after, route.envelope.table) : [],
      );
    }
    if (op !== 'd' || !this.#tombstones) return undefined;
    this.#clock.next(this.#version, 0);
    return this.#emit(route, op, key, null);
  }

  /** A row of an outbox table: an event of an application. */
  #event(outbox: Outbox, row: RowsEvent): Promise<void> | undefined {
    this.#startClock(row);
    this.#meta.position = row.position.position;
    const event = outbox.event(row.after);
    const lanes = outbox.lanes(event.topic);
    if (lanes !== undefined) return this.#emitEvent(outbox, lanes, event);
    return outbox.open(event.topic).then((opened) => this.#emitEvent(outbox, opened, event));
  }

  #emitEvent(outbox: Outbox, lanes: TopicLanes, { key, payload, headers }: OutboxEvent): Promise<void> | undefined {
    this.#clock.next(this.#version, 0);
    const lane = this.#laneFor(lanes, key);
    if (lane === undefined) return undefined;
    // The value is the application's, so the header has what else the `source` block of a change says.
    const all = Buffer.from(encodeHeaders({ ...headers, gtid: Buffer.from(this.#gtid), v: this.#version }));
    return this.#send(outbox, lane, key, payload, all);
  }

  #encodeKey(route: Route, image: RowImage): Buffer | null {
    if (route.append) return null;
    this.#key.position = 0;
    route.envelope.writeKey(this.#key, image);
    return this.#key.written();
  }

  #encodeTextKey(route: Route, row: TextRow): void {
    this.#key.position = 0;
    route.envelope.writeKeyFromText(this.#key, row);
  }

  /** A promise when the record is larger than its topic takes. */
  #emit(route: Route, op: string, key: Buffer | null, value: Buffer | null): Promise<void> | undefined {
    const lane = this.#laneFor(route.lanes, key);
    if (lane === undefined) return undefined;
    // A tombstone is no event.
    const events = value === null ? undefined : route.headers;
    const headers = events === undefined ? this.#headers : events.stamp(op, this.#meta, this.#version);
    return this.#send(route, lane, key, value, headers);
  }

  /** Where the record of this key and of the version at hand goes; undefined: it stands in its topic already. */
  #laneFor(lanes: TopicLanes, key: Buffer | null): Lane | undefined {
    const partition = key === null ? APPEND_PARTITION : this.#producer.partitionFor(key, lanes.lanes.length);
    if (!lanes.advance(partition, key, this.#version)) {
      this.skipped++;
      return undefined;
    }
    this.sent++;
    return lanes.lane(partition);
  }

  #send(
    route: OversizeRecord['route'],
    lane: Lane,
    key: Buffer | null,
    value: Buffer | null,
    headers: Buffer,
  ): Promise<void> | undefined {
    if ((key?.length ?? 0) + (value?.length ?? 0) + headers.length > lane.maxRecordBytes) {
      const position = `${this.#file}:${this.#meta.position}`;
      const version = this.#version.readBigInt64BE(0);
      const timestampMs = this.#meta.readMs;
      return this.#oversize.publish({ route, lane, key, value, headers, version, timestampMs, position });
    }
    this.#producer.append(lane, key, value, this.#meta.readMs, headers);
    return undefined;
  }
}

/** About as long as the row's value will be. */
function rowBytes(image: RowImage | undefined): number {
  if (image === undefined) return 0;
  const { lengths, states } = image;
  return lengths.reduce((sum, length, index) => sum + (states[index] === COLUMN_STATE.VALUE ? length : 0), 0);
}

/** A key as text that compares as its bytes do, whatever its schema. */
export function keyText(key: Buffer): string {
  return key.toString('latin1', keyPayload(key));
}
