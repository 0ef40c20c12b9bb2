import { isRetryable } from '@tapline/kernel';
import { brokerError } from './classify.ts';
import type { Cluster, Line } from './cluster.ts';
import type { Address } from './config.ts';
import { BROKER_ERROR } from './error-table.ts';
import { type Encoded, RequestWriter, ResponseReader } from './protocol.ts';

const FIND_COORDINATOR = { apiKey: 10, apiVersion: 1 } as const;

const KEY_TYPES = { group: 0, transaction: 1 } as const;

/** FindCoordinator Request (Version: 1) => key key_type (0: group, 1: transaction) */
function findCoordinatorRequest(key: string, kind: keyof typeof KEY_TYPES): Encoded {
  return new RequestWriter().string(key).int8(KEY_TYPES[kind]).finish();
}

/** FindCoordinator Response (Version: 1) => throttle_time_ms error_code error_message node_id host port */
function readFindCoordinator(body: Buffer): { errorCode: number; address: Address } {
  const reader = new ResponseReader(body);
  reader.int32();
  const errorCode = reader.int16();
  reader.nullableString();
  reader.int32();
  return { errorCode, address: { host: reader.string(), port: reader.int32() } };
}

/** The broker that keeps a consumer group or a transactional id. Looked up when first needed, and again after it has moved. */
export class Coordinator {
  /** The group, or the transactional id. */
  readonly key: string;
  readonly #cluster: Cluster;
  readonly #kind: keyof typeof KEY_TYPES;
  readonly #line: Line;
  #address: Address | undefined;

  constructor(cluster: Cluster, kind: keyof typeof KEY_TYPES, key: string) {
    this.#cluster = cluster;
    this.#kind = kind;
    this.key = key;
    this.#line = `${kind} ${key}`;
  }

  get known(): boolean {
    return this.#address !== undefined;
  }

  /** What was asked for has moved: the next request looks it up. */
  forget(): void {
    this.#address = undefined;
  }

  /** Looks it up. @throws TaplineError KAFKA_NOT_ALLOWED where the account may not ask, KAFKA_*. */
  async locate(): Promise<void> {
    this.#address ??= await this.#find();
  }

  /** `timeoutMs`: the longest wait for the answer. Default: the configuration's requestTimeoutMs. @throws TaplineError KAFKA_*. */
  async ask(
    api: { readonly apiKey: number; readonly apiVersion: number },
    request: Encoded,
    timeoutMs: number = this.#cluster.config.requestTimeoutMs ?? 20_000,
  ): Promise<Buffer> {
    try {
      await this.locate();
      const connection = await this.#cluster.connectTo(this.#address as Address, this.#line);
      return await connection.request({ ...api, ...request, timeoutMs });
    } catch (error) {
      if (isRetryable(error)) this.forget();
      throw error;
    }
  }

  async #find(): Promise<Address> {
    const request = findCoordinatorRequest(this.key, this.#kind);
    const { errorCode, address } = readFindCoordinator(
      await this.#cluster.anyBroker({ ...FIND_COORDINATOR, ...request }),
    );
    if (errorCode === BROKER_ERROR.none) return address;
    throw brokerError(errorCode, `finding the coordinator of ${this.#kind} ${this.key}`);
  }
}
