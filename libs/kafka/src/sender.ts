import { backoffMs, isAbort, isRetryable, TaplineError } from '@tapline/kernel';
import { brokerError } from './classify.ts';
import type { Cluster } from './cluster.ts';
import { BROKER_ERROR, brokerErrorName, isRetryableBrokerError } from './error-table.ts';
import type { BrokerConnection } from './kafkajs-transport.ts';
import type { LaneState } from './lane.ts';
import {
  INIT_PRODUCER_ID,
  initProducerIdRequest,
  PRODUCE,
  produceRequest,
  readInitProducerId,
  readProduceAnswer,
} from './produce-protocol.ts';
import { nextSequence, type ProducerIdentity, type RecordBatch } from './record-batch.ts';
import { findOwnBatch, logEnd } from './sent-check.ts';

export interface SenderOptions {
  readonly topicMissingMs: number;
  /** The lane's batch under way stands in the log. Called in the order of the lane's batches. */
  onAcknowledged(lane: LaneState, batch: RecordBatch, baseOffset: bigint): void;
  onFailed(error: TaplineError): void;
}

/** Requests a broker works off at once: idempotent producers may not have more (KIP-98). */
const MAX_REQUESTS_PER_BROKER = 5;
/** A request is closed at this size, so that many full batches travel in several overlapping requests. */
const REQUEST_BYTES = 2 * 1024 * 1024;

/**
 * Brings the lanes' batches to the leaders of their partitions. One batch a lane is under way; a request holds batches of
 * many lanes with the same leader.
 *
 * A batch whose fate is unknown (connection lost, no answer) or that was refused for a while is sent again with the same
 * bytes: same producer, same sequence, so that the broker recognises it when it had written it.
 */
export class Sender {
  readonly #cluster: Cluster;
  readonly #options: SenderOptions;
  #ready: LaneState[] = [];
  /** Requests under way by broker. */
  readonly #inFlight = new Map<number, number>();
  #identity: ProducerIdentity | undefined;
  #preparing = false;
  #timer: NodeJS.Timeout | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;
  #stopped = false;
  requests = 0;
  retries = 0;

  constructor(cluster: Cluster, options: SenderOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** The lane has something to send. */
  ready(lane: LaneState): void {
    if (lane.queued || (lane.sent !== undefined && lane.notBefore === 0)) return;
    lane.queued = true;
    this.#ready.push(lane);
  }

  /** Sends what can be sent now. */
  send(): void {
    if (this.#stopped || this.#ready.length === 0) return;
    if (this.#identity === undefined) return this.#prepare();
    const waiting: LaneState[] = [];
    const byBroker = new Map<number, LaneState[]>();
    const now = performance.now();
    let soonest = Number.POSITIVE_INFINITY;
    let leaderless = false;
    for (const lane of this.#ready) {
      const leader = lane.notBefore > now ? undefined : this.#cluster.leader(lane.topic, lane.partition);
      if (leader === undefined) {
        waiting.push(lane);
        if (lane.notBefore > now) soonest = Math.min(soonest, lane.notBefore - now);
        else leaderless = true;
      } else {
        const lanes = byBroker.get(leader);
        if (lanes === undefined) byBroker.set(leader, [lane]);
        else lanes.push(lane);
      }
    }
    this.#ready = waiting;
    for (const [broker, lanes] of byBroker) this.#sendTo(broker, lanes);
    if (leaderless) this.#prepare();
    else if (soonest < Number.POSITIVE_INFINITY) this.#later(soonest);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#ready = [];
  }

  /** As many requests as the broker may have; the lanes that are left wait for an answer. */
  #sendTo(broker: number, lanes: readonly LaneState[]): void {
    let next = 0;
    while (next < lanes.length && (this.#inFlight.get(broker) ?? 0) < MAX_REQUESTS_PER_BROKER) {
      const taken: LaneState[] = [];
      let bytes = 0;
      while (next < lanes.length && bytes < REQUEST_BYTES) {
        const lane = lanes[next++] as LaneState;
        lane.queued = false;
        const batch = this.#batchToSend(lane);
        if (batch === undefined) continue;
        taken.push(lane);
        bytes += batch.position;
      }
      if (taken.length > 0) void this.#request(broker, taken);
    }
    for (const lane of lanes.slice(next)) this.#ready.push(lane);
  }

  /** The batch under way that must be sent again, or the next one, sealed. */
  #batchToSend(lane: LaneState): RecordBatch | undefined {
    lane.notBefore = 0;
    if (lane.sent !== undefined) return lane.sent;
    let batch = lane.full.shift();
    if (batch === undefined) {
      if (!lane.flushed) return undefined;
      batch = lane.filling;
      lane.filling = undefined;
      lane.flushed = false;
    }
    if (batch === undefined) return undefined;
    lane.identity ??= this.#identity as ProducerIdentity;
    batch.seal(lane.identity, lane.sequence);
    lane.sequence = nextSequence(lane.sequence, batch.count);
    lane.sent = batch;
    return batch;
  }

  async #request(broker: number, lanes: readonly LaneState[]): Promise<void> {
    this.#inFlight.set(broker, (this.#inFlight.get(broker) ?? 0) + 1);
    this.requests++;
    try {
      const body = await this.#exchange(broker, lanes);
      if (this.#stopped) return;
      this.#readAnswer(body, lanes);
    } catch (error) {
      if (this.#stopped) return;
      if (!isRetryable(error)) return this.#options.onFailed(asTaplineError(error));
      for (const lane of lanes) this.#again(lane, error as TaplineError);
    } finally {
      this.#inFlight.set(broker, (this.#inFlight.get(broker) as number) - 1);
      this.send();
    }
  }

  #exchange(broker: number, lanes: readonly LaneState[]): Promise<Buffer> {
    const existing = this.#cluster.openConnection(broker, 'produce');
    // No await when the connection is there: the request leaves before the caller goes on.
    if (existing !== undefined) return this.#write(existing, lanes);
    return this.#cluster.connection(broker, 'produce').then((connection) => this.#write(connection, lanes));
  }

  #write(connection: BrokerConnection, lanes: readonly LaneState[]): Promise<Buffer> {
    const batches = lanes.map((lane) => {
      const batch = lane.sent as RecordBatch;
      batch.attempts++;
      return { topic: lane.topic, partition: lane.partition, bytes: batch.bytes() };
    });
    const timeoutMs = this.#cluster.config.requestTimeoutMs ?? 20_000;
    return connection.request({ ...PRODUCE, ...produceRequest(batches, timeoutMs) });
  }

  #readAnswer(body: Buffer, lanes: readonly LaneState[]): void {
    const open = new Map(lanes.map((lane) => [`${lane.partition} ${lane.topic}`, lane]));
    readProduceAnswer(body, ({ topic, partition, errorCode, baseOffset }) => {
      const key = `${partition} ${topic}`;
      const lane = open.get(key);
      if (lane === undefined) return;
      open.delete(key);
      if (errorCode === BROKER_ERROR.none) this.#acknowledged(lane, baseOffset);
      else this.#refused(lane, errorCode);
    });
    for (const lane of open.values()) this.#again(lane, brokerError(-1, 'a partition is missing in the answer', lane));
  }

  #acknowledged(lane: LaneState, baseOffset: bigint): void {
    const batch = lane.sent as RecordBatch;
    lane.sent = undefined;
    lane.failures = 0;
    this.#options.onAcknowledged(lane, batch, baseOffset);
    if (!this.#stopped && lane.hasReady) this.ready(lane);
  }

  #refused(lane: LaneState, code: number): void {
    const batch = lane.sent as RecordBatch;
    const place = { topic: lane.topic, partition: lane.partition };
    if (
      code === BROKER_ERROR.duplicateSequence ||
      code === BROKER_ERROR.outOfOrderSequence ||
      code === BROKER_ERROR.unknownProducerId
    ) {
      void this.#examine(lane, batch, code);
    } else if (code === BROKER_ERROR.messageTooLarge || code === BROKER_ERROR.recordListTooLarge) {
      this.#options.onFailed(tooLarge(batch, place));
    } else if (isRetryableBrokerError(code)) {
      this.#again(lane, brokerError(code, 'producing', place));
    } else {
      const hint = code === BROKER_ERROR.invalidRecord ? ' (a compacted topic takes no record without a key)' : '';
      this.#options.onFailed(brokerError(code, `producing ${batch.count} records${hint}`, place));
    }
  }

  /** Sends the lane's batch again after a while, with fresh metadata; gives up only on a topic that stays unknown. */
  #again(lane: LaneState, error: TaplineError): void {
    const now = performance.now();
    if (lane.failures === 0) lane.failingSince = now;
    lane.failures++;
    this.retries++;
    if (this.#topicGone(lane, now)) return;
    lane.notBefore = retryTime(now, lane.failures);
    if (lane.failures === 5 || lane.failures % 30 === 0) {
      this.#cluster.logger.warn('Kafka: a batch is not accepted yet, sending it again', {
        error,
        topic: lane.topic,
        partition: lane.partition,
        attempt: lane.failures,
      });
    }
    this.ready(lane);
    this.#refresh();
    this.#later(lane.notBefore - now);
  }

  #topicGone(lane: LaneState, now: number): boolean {
    const known = this.#cluster.metadata.topics.get(lane.topic)?.errorCode;
    if (known !== BROKER_ERROR.unknownTopicOrPartition || now - lane.failingSince < this.#options.topicMissingMs)
      return false;
    this.#options.onFailed(
      new TaplineError('TOPIC_MISSING', {
        message: `Topic ${lane.topic} does not exist any more (${brokerErrorName(known)} for ${Math.round((now - lane.failingSince) / 1000)} s).`,
        place: { topic: lane.topic, partition: lane.partition },
        disposition: 'fatal',
      }),
    );
    return true;
  }

  /**
   * The broker holds the batch's sequence number to be wrong. With one batch under way that has four causes, told apart by
   * the log itself:
   *   1. our batch stands at the expected offset (an earlier attempt was written, and its producer state forgotten since): acknowledged;
   *   2. the log ends at the expected offset: nothing is lost and nothing of ours is there, only the broker's memory of this
   *      producer: the next epoch starts a new sequence, and fences attempts that are still on their way;
   *   3. the log ends before it: acknowledged records are gone; 4. something else stands there: both end the producer.
   */
  async #examine(lane: LaneState, batch: RecordBatch, code: number): Promise<void> {
    try {
      const found = await findOwnBatch(this.#cluster, lane, batch);
      const end = await logEnd(this.#cluster, lane);
      if (this.#stopped) return;
      if (found !== undefined) this.#acknowledged(lane, found);
      // On a shared lane others may have written behind our last batch; that ours is not among them was just seen.
      else if (lane.nextOffset !== undefined && (end === lane.nextOffset || lane.shared))
        this.#startSequence(lane, batch, code);
      else this.#options.onFailed(logMismatch(lane, end, code));
    } catch (error) {
      if (this.#stopped) return;
      if (isRetryable(error)) this.#again(lane, error as TaplineError);
      else this.#options.onFailed(asTaplineError(error));
    } finally {
      this.send();
    }
  }

  #startSequence(lane: LaneState, batch: RecordBatch, code: number): void {
    const place = { topic: lane.topic, partition: lane.partition };
    const { id, epoch } = lane.identity as ProducerIdentity;
    this.#cluster.logger.warn('Kafka: the broker forgot this producer, starting a new sequence', {
      ...place,
      reason: brokerErrorName(code),
    });
    lane.identity = { id, epoch: epoch + 1 };
    batch.seal(lane.identity, 0);
    lane.sequence = nextSequence(0, batch.count);
    this.#again(lane, brokerError(code, 'producing', place));
  }

  /** Gets the producer id and the leaders; then goes on. */
  #prepare(): void {
    if (this.#preparing || this.#stopped) return;
    this.#preparing = true;
    this.#getReady()
      .catch((error: unknown) => {
        if (!this.#stopped) this.#options.onFailed(asTaplineError(error));
      })
      .finally(() => {
        this.#preparing = false;
        this.send();
      });
  }

  async #getReady(): Promise<void> {
    const topics = [...new Set(this.#ready.map(({ topic }) => topic))];
    this.#identity ??= await this.#cluster.persist('getting a producer id', () => this.#initProducerId());
    await this.#cluster.persist('finding leaders', () => this.#cluster.refresh(topics));
    const now = performance.now();
    for (const lane of this.#ready) {
      if (this.#cluster.leader(lane.topic, lane.partition) !== undefined || lane.notBefore > now) continue;
      if (lane.failures === 0) lane.failingSince = now;
      lane.failures++;
      if (this.#topicGone(lane, now)) return;
      lane.notBefore = retryTime(now, lane.failures);
    }
  }

  async #initProducerId(): Promise<ProducerIdentity> {
    const { errorCode, identity } = readInitProducerId(
      await this.#cluster.anyBroker({ ...INIT_PRODUCER_ID, ...initProducerIdRequest() }),
    );
    if (errorCode !== 0) throw brokerError(errorCode, 'InitProducerId');
    return identity;
  }

  #refresh(): void {
    this.#cluster.refresh().catch((error: unknown) => {
      if (!this.#stopped && !isRetryable(error)) this.#options.onFailed(asTaplineError(error));
    });
  }

  /** One timer, for the earliest of the waits: send() sets it again for the others. */
  #later(delayMs: number): void {
    const at = performance.now() + delayMs;
    if (this.#stopped || this.#wakeAt <= at) return;
    clearTimeout(this.#timer);
    this.#wakeAt = at;
    this.#timer = setTimeout(
      () => {
        this.#wakeAt = Number.POSITIVE_INFINITY;
        this.send();
      },
      Math.max(1, delayMs),
    );
  }
}

const RETRY_GRID_MS = 50;

/** On a grid, so that lanes refused together travel together again, instead of each in a request of its own. */
function retryTime(now: number, failures: number): number {
  const at = now + backoffMs(failures, { firstDelayMs: 20, maxDelayMs: 1_000, random: () => 0.5 });
  return Math.ceil(at / RETRY_GRID_MS) * RETRY_GRID_MS;
}

function asTaplineError(error: unknown): TaplineError {
  if (error instanceof TaplineError) return error;
  if (isAbort(error))
    return new TaplineError('KAFKA_CLOSED', { message: 'Kafka was closed while producing.', cause: error });
  return new TaplineError('INTERNAL', {
    message: `Producing failed unexpectedly: ${(error as Error).message}`,
    cause: error,
  });
}

function tooLarge(batch: RecordBatch, place: { topic: string; partition: number }): TaplineError {
  return new TaplineError('KAFKA_RECORD_TOO_LARGE', {
    message:
      batch.count === 1
        ? `A record of ${batch.position} bytes is larger than the topic takes.`
        : `A batch of ${batch.position} bytes (${batch.count} records) is larger than the topic takes: its max.message.bytes was lowered since the producer began, or kafka.batchBytes is above it.`,
    place,
  });
}

function logMismatch(lane: LaneState, end: bigint, code: number): TaplineError {
  const { nextOffset } = lane;
  const place = { topic: lane.topic, partition: lane.partition, offset: String(end) };
  const why = `The broker answered ${brokerErrorName(code)}; the partition ends at offset ${end}`;
  if (nextOffset !== undefined && end < nextOffset) {
    return new TaplineError('KAFKA_LOG_TRUNCATED', {
      message: `${why}, but everything below ${nextOffset} had been acknowledged.`,
      place,
    });
  }
  return new TaplineError('TOPIC_SECOND_WRITER', {
    message: `${why}, and what stands from offset ${nextOffset ?? 'unknown'} on is not ours.`,
    place,
  });
}
