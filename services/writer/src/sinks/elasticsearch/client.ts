import { Client, errors, Serializer } from '@elastic/elasticsearch';
import { type ErrorCode, isAbort, TaplineError } from '@tapline/kernel';
import { wellDone } from '../../search/bulk-answer.ts';
import { headersOf, type SearchAnswer, type SearchClient, type SearchRequest } from '../../search/client.ts';
import type { ElasticsearchConfig } from './config.ts';

class BulkSerializer extends Serializer {
  override deserialize<T = unknown>(json: string): T {
    return (wellDone(json) ?? super.deserialize(json)) as T;
  }
}

/** Elastic's own client for connections, several nodes and TLS. Its typed calls speak to servers of its own major version only; requests do not. */
export class ElasticsearchClient implements SearchClient {
  readonly address: string;
  readonly #client: Client;

  constructor(config: ElasticsearchConfig) {
    this.address = config.node;
    this.#client = new Client({
      nodes: config.node.split(',').map((node) => node.trim()),
      ...authOf(config),
      ...(config.tls === undefined ? {} : { tls: tlsOf(config.tls) }),
      maxRetries: 0,
      Serializer: BulkSerializer,
      requestTimeout: config.timeoutMs,
      enableMetaHeader: false,
    });
  }

  async send(request: SearchRequest, signal: AbortSignal): Promise<SearchAnswer> {
    const { method, path, query = {}, body } = request;
    try {
      const { statusCode, body: answer } = await this.#client.transport.request(
        { method, path, querystring: { ...query }, ...(body === undefined ? {} : { body }) },
        { headers: { ...headersOf(request) }, signal, meta: true },
      );
      return { status: statusCode ?? 0, body: answer };
    } catch (error) {
      if (isAbort(error, signal) || signal.aborted) throw signal.reason;
      if (error instanceof errors.ResponseError) return { status: error.statusCode ?? 0, body: error.body };
      throw this.#failure(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }

  #failure(error: unknown): TaplineError {
    const code: ErrorCode =
      error instanceof errors.ProductNotSupportedError ? 'SINK_SEARCH_PRODUCT' : 'SINK_SEARCH_UNREACHABLE';
    const reason = error instanceof Error ? error.message : String(error);
    return new TaplineError(code, {
      message: `No answer from Elasticsearch: ${reason}.`,
      place: { address: this.address },
      cause: error,
    });
  }
}

function authOf({ username, password, apiKey }: ElasticsearchConfig): object {
  if (apiKey !== undefined) return { auth: { apiKey } };
  return username === undefined ? {} : { auth: { username, password: password ?? '' } };
}

function tlsOf({ ca, cert, key, verify }: NonNullable<ElasticsearchConfig['tls']>): object {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: verify,
  };
}
