import { Client, errors, Serializer } from '@opensearch-project/opensearch';
import { TaplineError } from '@tapline/kernel';
import { wellDone } from '../../search/bulk-answer.ts';
import { headersOf, type SearchAnswer, type SearchClient, type SearchRequest } from '../../search/client.ts';
import type { OpensearchConfig } from './config.ts';

class BulkSerializer extends Serializer {
  override deserialize(json: string): unknown {
    return wellDone(json) ?? super.deserialize(json);
  }
}

/** OpenSearch's own client for connections, several nodes and TLS. */
export class OpensearchClient implements SearchClient {
  readonly address: string;
  readonly #client: Client;

  constructor(config: OpensearchConfig) {
    this.address = config.node;
    const { username, password, tls } = config;
    this.#client = new Client({
      nodes: config.node.split(',').map((node) => node.trim()),
      ...(username === undefined ? {} : { auth: { username, password: password ?? '' } }),
      ...(tls === undefined ? {} : { ssl: sslOf(tls) }),
      maxRetries: 0,
      Serializer: BulkSerializer,
      requestTimeout: config.timeoutMs,
    });
  }

  async send(request: SearchRequest, signal: AbortSignal): Promise<SearchAnswer> {
    const { method, path, query = {}, body } = request;
    signal.throwIfAborted();
    const sent = this.#client.transport.request(
      { method, path, querystring: { ...query }, ...(body === undefined ? {} : { body }) },
      { headers: { ...headersOf(request) } },
    );
    const abort = (): void => {
      sent.abort();
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      const { statusCode, body: answer } = await sent;
      return { status: statusCode ?? 0, body: answer };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof errors.ResponseError) return { status: error.statusCode ?? 0, body: error.body };
      const reason = error instanceof Error ? error.message : String(error);
      throw new TaplineError('SINK_SEARCH_UNREACHABLE', {
        message: `No answer from OpenSearch: ${reason}.`,
        place: { address: this.address },
        cause: error,
      });
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}

function sslOf({ ca, cert, key, verify }: NonNullable<OpensearchConfig['tls']>): object {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: verify,
  };
}
