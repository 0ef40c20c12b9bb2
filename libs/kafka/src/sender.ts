import { isRetryable, killPoint, sleep, type TaplineError } from '@tapline/kernel';
import { Alarm } from './alarm.ts';
import { brokerError } from './classify.ts';
import type { Cluster } from './cluster.ts';
import { BROKER_ERROR, brokerErrorName } from './error-table.ts';
import type { Declarations } from './fence/declarations.ts';
import type { ProducerLife } from './fence/fence.ts';
import type { BrokerConnection } from './kafkajs-transport.ts';
import type { LaneState } from './lane.ts';
import { LaneQueues } from './lane-queues.ts';
import type { Packer } from './packer.ts';
import { PRODUCE, produceRequest, readProduceAnswer } from './produce-protocol.ts';
import { laterIdentity, newProducerId } from './producer-id.ts';
import { nextSequence, type ProducerIdentity, type RecordBatch } from './record-batch.ts';
import {
  asTaplineError,
  finalRefusal,
  isSequenceError,
  logMismatch,
  retryTime,
  sequenceLost,
  topicGone,
} from './refusals.ts';
import { lookForBatch } from './sent-check.ts';
import { Shipments } from './shipment.ts';

export interface SenderOptions {
  readonly packer: Packer;
  readonly topicMissingMs: number;
  /** Batches a lane may have under way. */
  readonly window: number;
  /** Brokers surely remember a producer so long after its last record: less than their producer.id.expiration.ms. */
  readonly rememberedMs: number;
  /** Whose batches these are. Default: a producer id of their own, which nobody can shut out. */
  readonly life?: ProducerLife | undefined;
  /** Where given: what leaves for a topic waits until that is declared. */
  readonly declarations?: Declarations | undefined;
  /** The lane's oldest batch stands in the log. Called in the order of the lane's batches. */
  onAcknowledged(lane: LaneState, batch: RecordBatch, baseOffset: bigint): void;
  onFailed(error: TaplineError): void;
}

/** Requests a broker works off at once: idempotent producers may not have more (KIP-98). */
const MAX_REQUESTS_PER_BROKER = 5;
/**
 * With so many under way a broker has the next request when it is done with one (it works off those of a connection one by one), and batches that are not full
 * wait: what comes meanwhile travels with them. With thousands of lanes, five requests of batches of a record or two would fill the buffer.
 */
const ENOUGH_REQUESTS = 2;
/** A request is closed at this size, so that many full batches travel in several overlapping requests. */
const REQUEST_BYTES = 2 * 1024 * 1024;
/** One of batches that are not full is closed at this size: the less is under way, the more comes together in the others. */
const UNFILLED_REQUEST_BYTES = 256 * 1024;
const SETTLE_MS = 500;

/**
 * Brings the lanes' batches to the leaders of their partitions: of each lane as many as its window allows (see LaneState for the rules
 * that keep the order), each in a request that holds batches of many lanes with the same leader.
 *
 * A batch whose fate is unknown (connection lost, no answer) or that was refused for a while is sent again with the same
 * bytes: same producer, same sequence, so that the broker recognises it when it had written it.
 */
export class Sender {
  readonly #cluster: Cluster;
  readonly #options: SenderOptions;
  readonly #queues: LaneQueues;
  /** Requests under way by broker. */
  readonly #inFlight = new Map<number, number>();
  /** Of requests that are answered. */
  readonly #spare: Shipments[] = [];
  #identity: ProducerIdentity | undefined;
  #preparing = false;
  readonly #alarm = new Alarm(() => this.wake());
  #stopped = false;
  requests = 0;
  retries = 0;
  widestWindow = 0;

  constructor(cluster: Cluster, options: SenderOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#identity = options.life?.identity;
    this.#queues = new LaneQueues(cluster, options.declarations);
  }

  /** The lane has something to send. */
  ready(lane: LaneState): void {
    if (!lane.queued && !lane.examining) this.#queues.add(lane);
  }

  /** Sends what can be sent now. */
  send(): void {
    if (this.#stopped || this.#queues.isEmpty) return;
    const over = this.#options.life?.over();
    if (over !== undefined) return this.#options.onFailed(over);
    if (this.#identity === undefined) return this.#prepare();
    const { soonestMs, leaderless } = this.#queues.route();
    for (const [broker, queue] of this.#queues.brokers()) this.#sendTo(broker, queue);
    if (leaderless) this.#prepare();
    else if (soonestMs < Number.POSITIVE_INFINITY) this.#alarm.in(soonestMs);
  }

  /** The same, with the lanes that waited for something else than room. */
  wake(): void {
    this.#queues.recheck();
    this.send();
  }

  stop(): void {
    this.#stopped = true;
    this.#alarm.stop();
    this.#queues.clear();
  }

  /** As many requests as the broker may have; the lanes that are left wait for an answer. */
  #sendTo(broker: number, queue: LaneState[]): void {
    while (queue.length > 0) {
      const inFlight = this.#inFlight.get(broker) ?? 0;
      const isFilling = (queue[0] as LaneState).isFilling;
      if (inFlight >= (isFilling ? ENOUGH_REQUESTS : MAX_REQUESTS_PER_BROKER)) return;
      const shipments = this.#takeFrom(queue, broker, isFilling ? UNFILLED_REQUEST_BYTES : REQUEST_BYTES);
      if (shipments.list.length > 0) void this.#request(broker, shipments);
      else this.#spare.push(shipments);
    }
  }

  /** What leaves in one request: batches of lanes from the beginning of the queue. */
  #takeFrom(queue: LaneState[], broker: number, mostBytes: number): Shipments {
    const shipments = this.#spare.pop() ?? new Shipments();
    const more: LaneState[] = [];
    let next = 0;
    for (; next < queue.length && shipments.bytes < mostBytes; next++) {
      const lane = queue[next] as LaneState;
      lane.queued = false;
      const batch = this.#take(lane, broker);
      if (batch === undefined) continue;
      shipments.add(lane, batch);
      if (lane.full.length > 0 && this.#options.window > 1) more.push(lane);
    }
    queue.splice(0, next);
    // Behind the lanes that had no turn yet.
    for (const lane of more) {
      lane.queued = true;
      queue.push(lane);
    }
    return shipments;
  }

  /** The batch of the lane that leaves now, if any: the oldest one that must be sent again, or the next one. */
  #take(lane: LaneState, broker: number): RecordBatch | undefined {
    if (lane.examining) return undefined;
    lane.notBefore = 0;
    const oldest = lane.window[0];
    if (lane.recovering) {
      if (lane.underWay > 0 || oldest === undefined) return undefined;
      if (lane.nextOffset !== undefined && oldest.mayBeForgotten(this.#options.rememberedMs)) {
        void this.#examine(lane, oldest, undefined);
        return undefined;
      }
      return this.#underWay(lane, oldest);
    }
    if (oldest !== undefined) {
      const connection = this.#cluster.openConnection(broker, 'produce');
      if (lane.window.length >= this.#options.window || !lane.mayFollow(connection)) return undefined;
    }
    // A batch that is not full leaves only when nothing is under way: what comes meanwhile travels together.
    if (oldest === undefined && lane.full.length === 0 && lane.flushed) lane.close();
    const batch = this.#options.packer.next(lane);
    if (batch === undefined) return undefined;
    lane.identity ??= this.#identity as ProducerIdentity;
    batch.seal(lane.identity, lane.sequence);
    lane.sequence = nextSequence(lane.sequence, batch.count);
    lane.window.push(batch);
    return this.#underWay(lane, batch);
  }

  #underWay(lane: LaneState, batch: RecordBatch): RecordBatch {
    if (batch.attempts++ > 0) this.retries++;
    batch.state = 'underWay';
    batch.refusal = undefined;
    lane.underWay++;
    this.widestWindow = Math.max(this.widestWindow, lane.underWay);
    return batch;
  }

  async #request(broker: number, shipments: Shipments): Promise<void> {
    this.#inFlight.set(broker, (this.#inFlight.get(broker) ?? 0) + 1);
    this.requests++;
    try {
      const body = await this.#exchange(broker, shipments);
      killPoint('after-ack');
      if (this.#stopped) return;
      this.#readAnswer(body, shipments);
      shipments.clear();
      this.#spare.push(shipments);
    } catch (error) {
      if (this.#stopped) return;
      if (!isRetryable(error)) return this.#options.onFailed(asTaplineError(error));
      for (const { lane, batch } of shipments.list) this.#refused(lane, batch, error as TaplineError);
      for (const { lane } of shipments.list) this.#settle(lane);
    } finally {
      this.#inFlight.set(broker, (this.#inFlight.get(broker) as number) - 1);
      this.send();
    }
  }

  #exchange(broker: number, shipments: Shipments): Promise<Buffer> {
    const existing = this.#cluster.openConnection(broker, 'produce');
    // No await when the connection is there: the request leaves before the caller goes on.
    if (existing !== undefined) return this.#write(existing, shipments);
    return this.#cluster.connection(broker, 'produce').then((connection) => this.#write(connection, shipments));
  }

  #write(connection: BrokerConnection, shipments: Shipments): Promise<Buffer> {
    for (const { lane } of shipments.list) lane.connection = connection;
    const timeoutMs = this.#cluster.config.requestTimeoutMs ?? 20_000;
    killPoint('before-send');
    const answer = connection.request({ ...PRODUCE, ...produceRequest(shipments, timeoutMs) });
    killPoint('after-send');
    return answer;
  }

  #readAnswer(body: Buffer, shipments: Shipments): void {
    readProduceAnswer(body, ({ topic, partition, errorCode, baseOffset }) => {
      const shipment = shipments.find(topic, partition);
      if (shipment === undefined || shipment.isAnswered) return;
      shipment.isAnswered = true;
      const { lane, batch } = shipment;
      if (errorCode === BROKER_ERROR.none) this.#stands(lane, batch, baseOffset);
      else this.#refused(lane, batch, errorCode);
    });
    for (const { lane, batch, isAnswered } of shipments.list) {
      if (!isAnswered) this.#refused(lane, batch, brokerError(-1, 'a partition is missing in the answer', lane));
    }
    for (const { lane } of shipments.list) if (!this.#stopped) this.#settle(lane);
  }

  #stands(lane: LaneState, batch: RecordBatch, baseOffset: bigint): void {
    lane.underWay--;
    batch.state = 'acknowledged';
    batch.baseOffset = baseOffset;
  }

  #refused(lane: LaneState, batch: RecordBatch, refusal: number | TaplineError): void {
    lane.underWay--;
    lane.recovering = true;
    batch.state = 'again';
    batch.refusal = refusal;
  }

  /** After an answer: acknowledgements in order, then what the refusal of the oldest batch means, then what may leave. */
  #settle(lane: LaneState): void {
    this.#deliver(lane);
    if (this.#stopped || lane.examining) return;
    if (lane.underWay === 0 && lane.recovering) {
      const oldest = lane.window[0] as RecordBatch;
      const { refusal } = oldest;
      for (const batch of lane.window) batch.refusal = undefined;
      if (refusal !== undefined) return this.#judge(lane, oldest, refusal);
    }
    if (lane.hasReady) this.ready(lane);
  }

  #deliver(lane: LaneState): void {
    for (let batch = lane.window[0]; batch?.state === 'acknowledged' && !this.#stopped; batch = lane.window[0]) {
      lane.window.shift();
      lane.failures = 0;
      lane.rememberedUntilMs = batch.maxTimestampMs + this.#options.rememberedMs;
      this.#options.onAcknowledged(lane, batch, batch.baseOffset);
    }
    lane.recovering &&= lane.window.some(({ state }) => state === 'again');
  }

  /** What to do about the refusal of the lane's oldest batch, now that nothing of the lane is under way. */
  #judge(lane: LaneState, batch: RecordBatch, refusal: number | TaplineError): void {
    if (typeof refusal !== 'number') return this.#again(lane, refusal);
    const final = finalRefusal(refusal, { lane, batch, fenced: this.#options.life !== undefined });
    if (final !== undefined) this.#options.onFailed(final);
    else if (isSequenceError(refusal)) void this.#examine(lane, batch, refusal);
    else this.#again(lane, brokerError(refusal, 'producing', { topic: lane.topic, partition: lane.partition }));
  }

  /** Sends the lane's batches again after a while, with fresh metadata; gives up only on a topic that stays unknown. */
  #again(lane: LaneState, error: TaplineError): void {
    const now = performance.now();
    if (lane.failures === 0) lane.failingSince = now;
    lane.failures++;
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
    this.#alarm.in(lane.notBefore - now);
  }

  #topicGone(lane: LaneState, now: number): boolean {
    const known = this.#cluster.metadata.topics.get(lane.topic)?.errorCode;
    if (known !== BROKER_ERROR.unknownTopicOrPartition || now - lane.failingSince < this.#options.topicMissingMs)
      return false;
    this.#options.onFailed(topicGone(lane, now - lane.failingSince));
    return true;
  }

  /**
   * Looks for the lane's oldest batch in the log, where it must stand: because the broker holds its sequence number to be wrong
   * (`code`), or because it may not remember it when it is sent again. Nothing of the lane is under way meanwhile.
   *   1. The batch stands at the expected offset: acknowledged (an earlier attempt was written, and its producer state forgotten since).
   *   2. The log ends at the expected offset: nothing is lost and nothing of ours is there. Without `code` it is sent as it is; with it, only
   *      the broker's memory of this producer is gone: the next epoch starts a new sequence for all of the window, and fences attempts
   *      that are still on their way.
   *   3. The log ends before it: acknowledged records are gone; 4. something else stands there: both end the producer.
   */
  async #examine(lane: LaneState, batch: RecordBatch, code: number | undefined): Promise<void> {
    lane.examining = true;
    try {
      // What was sent on a connection that is closed by now may still be worked off.
      if (code === undefined) await sleep(SETTLE_MS, this.#cluster.closing);
      const { found, end, inPlace } = await lookForBatch(this.#cluster, lane, batch);
      if (this.#stopped) return;
      batch.absentAfter = batch.attempts;
      if (found !== undefined) {
        batch.state = 'acknowledged';
        batch.baseOffset = found;
      } else if (!inPlace) {
        this.#options.onFailed(logMismatch(lane, end, code));
      } else if (code !== undefined && this.#options.life !== undefined) {
        // The next epoch belongs to the next life.
        this.#options.onFailed(sequenceLost(code, { topic: lane.topic, partition: lane.partition }));
      } else if (code !== undefined) {
        await this.#startSequence(lane, code);
      }
    } catch (error) {
      if (this.#stopped) return;
      if (!isRetryable(error)) this.#options.onFailed(asTaplineError(error));
      else this.#again(lane, error as TaplineError);
    } finally {
      lane.examining = false;
      if (!this.#stopped) this.#settle(lane);
      this.send();
    }
  }

  /** All batches of the window get new numbers: none of them stands in the log. */
  async #startSequence(lane: LaneState, code: number): Promise<void> {
    const { topic, partition } = lane;
    this.#cluster.logger.warn('Kafka: the broker forgot this producer, starting a new sequence', {
      topic,
      partition,
      reason: brokerErrorName(code),
    });
    lane.renumber(await laterIdentity(this.#cluster, lane.identity as ProducerIdentity, code));
    this.#again(lane, brokerError(code, 'producing', { topic, partition }));
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
        this.wake();
      });
  }

  async #getReady(): Promise<void> {
    const topics = [...new Set(this.#queues.held.map(({ topic }) => topic))];
    this.#identity ??= await this.#cluster.persist('getting a producer id', () => newProducerId(this.#cluster));
    await this.#cluster.persist('finding leaders', () => this.#cluster.refresh(topics));
    const now = performance.now();
    for (const lane of this.#queues.held) {
      if (this.#cluster.leader(lane.topic, lane.partition) !== undefined || lane.notBefore > now) continue;
      if (lane.failures === 0) lane.failingSince = now;
      lane.failures++;
      if (this.#topicGone(lane, now)) return;
      lane.notBefore = retryTime(now, lane.failures);
    }
  }

  #refresh(): void {
    this.#cluster.refresh().catch((error: unknown) => {
      if (!this.#stopped && !isRetryable(error)) this.#options.onFailed(asTaplineError(error));
    });
  }
}
