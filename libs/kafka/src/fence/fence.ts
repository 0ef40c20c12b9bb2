import { sleep, type TaplineError, Turns } from '@tapline/kernel';
import { brokerError } from '../classify.ts';
import type { Cluster } from '../cluster.ts';
import { Coordinator } from '../coordinator.ts';
import { BROKER_ERROR, brokerErrorName, isRetryableBrokerError } from '../error-table.ts';
import { INIT_PRODUCER_ID, initProducerIdRequest, readInitProducerId } from '../produce-protocol.ts';
import type { ProducerIdentity } from '../record-batch.ts';
import { isSuperseded, superseded } from '../refusals.ts';
import type { TopicPartition } from '../topic-partition.ts';
import {
  ADD_PARTITIONS_TO_TXN,
  abortTxnRequest,
  addPartitionsToTxnRequest,
  END_TXN,
  readAddPartitionsToTxn,
  readEndTxn,
} from './transaction-protocol.ts';

export interface FenceOptions {
  /** Names what lives one after the other. Kafka gives each life the next epoch of one producer id. */
  readonly transactionalId: string;
  /** Why this life must send nothing any more, if it must not: asked before each request. Default: it may. */
  readonly over?: (() => TaplineError | undefined) | undefined;
}

/** Whose writes a producer's are. */
export interface ProducerLife {
  readonly identity: ProducerIdentity;
  over(): TaplineError | undefined;
}

/** The markers of a few partitions take some milliseconds. */
const QUICK_LOOKS = 40;
const QUICK_LOOK_MS = 5;
/** A topic may be deleted meanwhile: then it is found out anew which there are. */
const ADD_PATIENCE_MS = 30_000;
/** Partitions of one transaction: its record in the coordinator's log must stay below that topic's max.message.bytes. */
const PARTITIONS_TOGETHER = 2000;
/** Brokers forget a transactional id that was not used for transactional.id.expiration.ms (7 days, if nobody changed it). */
const RENEW_MS = 3_600_000;
/** A producer id ends here: Kafka gives a new one instead of a later epoch, and keeps the last one for itself. */
const LAST_EPOCH = 0x7fff - 1;

/**
 * Shuts earlier lives out of topics, so that nothing of theirs can be appended any more, whatever they are still about to send and whatever is
 * under way or waits in a broker.
 *
 * All lives share a transactional id, which gives them one producer id and each a higher epoch. A broker refuses batches of an epoch once
 * it has seen a higher one *in that partition*. What brings the epoch there is the marker of a transaction: partitions are added to one, nothing is
 * written, and it is aborted, which writes a control batch with the new epoch into each of them, acknowledged by all in-sync replicas.
 * Batches themselves stay outside of transactions, so that consumers wait for no commit and no transaction can grow too old.
 *
 * After shutOut(), each partition holds all that the earlier lives will ever have written, then the marker. Its offset is a gap for those who count records.
 *
 * Rejected: writing a record of our own under the new epoch, which fences too, but would be a record in data topics that is no change.
 */
export class Fence implements ProducerLife, AsyncDisposable {
  readonly identity: ProducerIdentity;
  readonly #transactionalId: string;
  readonly #cluster: Cluster;
  readonly #coordinator: Coordinator;
  readonly #over: () => TaplineError | undefined;
  readonly #renewal: NodeJS.Timeout;
  /** One transaction after the other. */
  readonly #turns = new Turns();

  private constructor(cluster: Cluster, coordinator: Coordinator, options: FenceOptions, identity: ProducerIdentity) {
    this.#cluster = cluster;
    this.#coordinator = coordinator;
    this.#transactionalId = options.transactionalId;
    this.#over = options.over ?? (() => undefined);
    this.identity = identity;
    this.#renewal = setInterval(() => {
      this.renew(AbortSignal.timeout(RENEW_MS / 2)).catch((error: unknown) =>
        cluster.logger.warn('Kafka: a transactional id was not renewed', { error, transactionalId: coordinator.key }),
      );
    }, RENEW_MS);
    this.#renewal.unref();
  }

  /**
   * Begins a life: the next epoch. From now on earlier lives can begin no life's work with Kafka's coordinator, but may write still: shutOut().
   * @throws TaplineError KAFKA_NOT_ALLOWED, KAFKA_UNREACHABLE.
   */
  static async open(cluster: Cluster, options: FenceOptions, signal?: AbortSignal): Promise<Fence> {
    const coordinator = new Coordinator(cluster, 'transaction', options.transactionalId);
    let identity: ProducerIdentity | undefined;
    const begin = async (): Promise<number> => {
      const body = await coordinator.ask(INIT_PRODUCER_ID, initProducerIdRequest(options.transactionalId));
      const answer = readInitProducerId(body);
      identity = answer.identity;
      return answer.errorCode;
    };
    await request(cluster, coordinator, { what: 'InitProducerId', ask: begin, signal });
    return new Fence(cluster, coordinator, options, identity as unknown as ProducerIdentity);
  }

  /**
   * True for the last epoch of a producer id: a life that wrote under it could not be shut out by a marker. It may shut others out; then it must end,
   * and the life after it, with another producer id, begins anew.
   */
  get spent(): boolean {
    return this.identity.epoch >= LAST_EPOCH;
  }

  over(): TaplineError | undefined {
    return this.#over();
  }

  /**
   * Resolves when no earlier life can append to these topics any more.
   * @throws TaplineError KAFKA_FENCED (another life has begun meanwhile); KAFKA_NOT_READY, TOPIC_MISSING (retryable) when a topic is gone.
   */
  shutOut(topics: readonly string[], signal?: AbortSignal): Promise<void> {
    return this.#turns.take(async () => {
      const partitions = await this.#partitionsOf(topics, signal);
      for (let at = 0; at < partitions.length; at += PARTITIONS_TOGETHER) {
        await this.#mark(partitions.slice(at, at + PARTITIONS_TOGETHER), signal);
      }
    });
  }

  /** Tells Kafka that the transactional id is in use still, without a marker anywhere: an aborted transaction over nothing. */
  renew(signal?: AbortSignal): Promise<void> {
    return this.#turns.take(() => this.#mark([], signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#renewal);
    await this.#turns.over();
  }

  async #partitionsOf(topics: readonly string[], signal: AbortSignal | undefined): Promise<TopicPartition[]> {
    if (topics.length === 0) return [];
    const find = async (): Promise<TopicPartition[]> => {
      await this.#cluster.refresh(topics);
      const found = await Promise.all(topics.map((topic) => this.#cluster.topic(topic)));
      return found.flatMap(({ topic, partitions }) => partitions.map(({ partition }) => ({ topic, partition })));
    };
    return this.#cluster.persist('finding partitions', find, signal === undefined ? {} : { signal });
  }

  /** An aborted transaction over the partitions. */
  async #mark(partitions: readonly TopicPartition[], signal: AbortSignal | undefined): Promise<void> {
    const add = addPartitionsToTxnRequest(this.#transactionalId, this.identity, partitions);
    const abort = abortTxnRequest(this.#transactionalId, this.identity);
    const askAdd = async (): Promise<number> => {
      const results = readAddPartitionsToTxn(await this.#coordinator.ask(ADD_PARTITIONS_TO_TXN, add));
      // One that is wrong keeps all the others from being added.
      const wrong = results.find(
        ({ errorCode }) => errorCode !== 0 && errorCode !== BROKER_ERROR.operationNotAttempted,
      );
      return wrong?.errorCode ?? BROKER_ERROR.none;
    };
    const askAbort = async (): Promise<number> => readEndTxn(await this.#coordinator.ask(END_TXN, abort));
    const patienceMs = ADD_PATIENCE_MS;
    await request(this.#cluster, this.#coordinator, { what: 'AddPartitionsToTxn', ask: askAdd, signal, patienceMs });
    const end = { what: 'EndTxn', ask: askAbort, signal };
    await request(this.#cluster, this.#coordinator, end);
    // The first answer says that the abort is decided. Asked again, the coordinator agrees only once all markers are in their partitions.
    await request(this.#cluster, this.#coordinator, end);
  }
}

interface CoordinatorRequest {
  readonly what: string;
  /** Gives the error code of the answer. */
  readonly ask: () => Promise<number>;
  readonly signal: AbortSignal | undefined;
  /** Default: without end. */
  readonly patienceMs?: number;
}

/** Asks until the coordinator agrees. Retryable refusals and failures are tried again, until the signal aborts. */
async function request(
  cluster: Cluster,
  coordinator: Coordinator,
  { what, ask, signal, patienceMs }: CoordinatorRequest,
): Promise<void> {
  const attempt = async (): Promise<void> => {
    let code = await ask();
    // A transaction is being ended: a matter of milliseconds.
    for (let looks = 0; code === BROKER_ERROR.concurrentTransactions && looks < QUICK_LOOKS; looks++) {
      await sleep(QUICK_LOOK_MS, signal);
      code = await ask();
    }
    if (code === BROKER_ERROR.none) return;
    if (isSuperseded(code)) throw superseded(`${what} was answered with ${brokerErrorName(code)}`);
    if (isRetryableBrokerError(code)) coordinator.forget();
    throw brokerError(code, `${what} for the transactional id ${coordinator.key}`);
  };
  await cluster.persist(`${what} for ${coordinator.key}`, attempt, {
    ...(signal === undefined ? {} : { signal }),
    ...(patienceMs === undefined ? {} : { patienceMs }),
  });
}
