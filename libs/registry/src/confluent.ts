import { type Logger, retry, TaplineError } from '@tapline/kernel';
import type { ConfluentRegistryConfig, Registry } from './registry.ts';
import { unknownId } from './topic.ts';

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';

/** Confluent's error codes for a subject, a version or a schema that does not exist: an answer, not a failure. */
const NOT_FOUND: ReadonlySet<unknown> = new Set([40401, 40402, 40403]);

interface Answer {
  readonly id?: unknown;
  readonly schema?: unknown;
  readonly error_code?: unknown;
  readonly message?: unknown;
}

/** The REST API of Confluent's Schema Registry, as far as Tapline uses it: register, and fetch by id. */
export class ConfluentRegistry implements Registry {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #timeoutMs: number;
  readonly #logger: Logger;
  readonly #patienceMs: number | undefined;
  readonly #closing = new AbortController();
  readonly #schemas = new Map<number, string>();
  readonly #ids = new Map<string, number>();

  constructor(config: ConfluentRegistryConfig, options: { logger: Logger; patienceMs: number | undefined }) {
    this.#url = config.url.replace(/\/+$/, '');
    this.#headers = {
      accept: CONTENT_TYPE,
      'content-type': CONTENT_TYPE,
      ...(config.username === undefined ? {} : { authorization: basicAuth(config.username, config.password ?? '') }),
    };
    this.#timeoutMs = config.timeoutMs ?? 10_000;
    this.#logger = options.logger;
    this.#patienceMs = options.patienceMs;
  }

  async idFor(subject: string, schemaJson: string, signal?: AbortSignal): Promise<number> {
    const key = `${subject}\n${schemaJson}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = await this.#register(subject, schemaJson, signal);
    this.#ids.set(key, id);
    return id;
  }

  /**
   * 409 says "incompatible", but Apicurio says it too of two first registrations at once ("already exists"): then the
   * schema is there a moment later, or can be registered now. Only a second 409 without the schema being there means what it says.
   */
  async #register(subject: string, schemaJson: string, signal: AbortSignal | undefined): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}`;
    const ask = async (where: string): Promise<unknown> =>
      (await this.#call('POST', where, { subject, body: JSON.stringify({ schema: schemaJson }), signal })).id;
    const isConflict = (error: unknown): boolean =>
      error instanceof TaplineError && error.code === 'SCHEMA_INCOMPATIBLE';
    let id: unknown;
    try {
      id = await ask(`${path}/versions`);
    } catch (error) {
      if (!isConflict(error)) throw error;
      id = (await ask(path)) ?? (await ask(`${path}/versions`));
    }
    if (typeof id !== 'number') throw this.#invalid('the answer to a registration holds no id');
    return id;
  }

  async schema(id: number, signal?: AbortSignal): Promise<string> {
    const known = this.#schemas.get(id);
    if (known !== undefined) return known;
    const { schema, error_code: code } = await this.#call('GET', `/schemas/ids/${id}`, { signal });
    if (NOT_FOUND.has(code)) throw unknownId(id, this.#url);
    if (typeof schema !== 'string') throw this.#invalid(`the answer for id ${id} holds no schema`);
    this.#schemas.set(id, schema);
    return schema;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DOMException('The registry was closed', 'AbortError'));
  }

  #call(
    method: string,
    path: string,
    options: { body?: string; subject?: string; signal: AbortSignal | undefined },
  ): Promise<Answer> {
    const { signal } = options;
    const stop = signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
    return retry(() => this.#once(method, path, { ...options, stop }), {
      signal: stop,
      maxDelayMs: 5_000,
      ...(this.#patienceMs === undefined ? {} : { deadlineMs: this.#patienceMs }),
      onRetry: ({ error, attempt, delayMs }) => {
        this.#logger[attempt < 3 ? 'debug' : 'warn']('Schema registry: trying again', { error, attempt, delayMs });
      },
    });
  }

  async #once(
    method: string,
    path: string,
    options: { body?: string; subject?: string; stop: AbortSignal },
  ): Promise<Answer> {
    const { body, subject = '', stop } = options;
    const signal = AbortSignal.any([stop, AbortSignal.timeout(this.#timeoutMs)]);
    let status: number;
    let text: string;
    try {
      const response = await fetch(this.#url + path, {
        method,
        headers: this.#headers,
        signal,
        ...(body === undefined ? {} : { body }),
      });
      status = response.status;
      text = await response.text();
    } catch (cause) {
      stop.throwIfAborted();
      throw this.#error('REGISTRY_UNREACHABLE', `does not answer: ${reason(cause)}`, cause);
    }
    const answer = parse(text);
    if (status < 300 && answer !== undefined) return answer;
    if (status === 404 && NOT_FOUND.has(answer?.error_code)) return answer as Answer;
    throw this.#refusal(status, subject, typeof answer?.message === 'string' ? answer.message : text.slice(0, 200));
  }

  #refusal(status: number, subject: string, message: string): TaplineError {
    const said = `answered ${status}: ${message}`;
    if (status === 409) {
      return this.#error('SCHEMA_INCOMPATIBLE', `refused a schema for subject ${subject} (${said})`);
    }
    if (status === 401 || status === 403) return this.#error('REGISTRY_NOT_ALLOWED', said);
    if (status === 408 || status === 429 || status >= 500) return this.#error('REGISTRY_UNREACHABLE', said);
    return status < 300 ? this.#invalid('the answer is not JSON') : this.#error('REGISTRY_REFUSED', said);
  }

  #error(
    code: 'REGISTRY_UNREACHABLE' | 'REGISTRY_NOT_ALLOWED' | 'REGISTRY_REFUSED' | 'SCHEMA_INCOMPATIBLE',
    what: string,
    cause?: unknown,
  ): TaplineError {
    const place = { address: this.#url };
    return new TaplineError(code, {
      message: `The schema registry ${what}.`,
      place,
      ...(cause === undefined ? {} : { cause }),
    });
  }

  #invalid(why: string): TaplineError {
    return new TaplineError('REGISTRY_INVALID', {
      message: `What answers is no schema registry: ${why}.`,
      place: { address: this.#url },
    });
  }
}

function basicAuth(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function parse(text: string): Answer | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** fetch() hides the reason in the cause. */
function reason(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
