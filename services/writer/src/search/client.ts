/** What the sink asks of a store; the body is finished text, so that versions of 63 bits and decimals stay as they are. */
export interface SearchRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Escaped, without the query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Of `body`: one JSON text, or lines of them (bulks). */
  readonly lines?: true;
}

export interface SearchAnswer {
  readonly status: number;
  /** Parsed JSON; a text where the answer was none. */
  readonly body: unknown;
}

/** One store's own client, as the sink needs it. Nothing is tried again below the engine: it knows what was answered and keeps the order. */
export interface SearchClient extends AsyncDisposable {
  /** For errors: where we connect to. */
  readonly address: string;
  /** The answer, whatever its status. @throws TaplineError SINK_SEARCH_UNREACHABLE or SINK_SEARCH_TLS; the signal's reason. */
  send(request: SearchRequest, signal: AbortSignal): Promise<SearchAnswer>;
}

/** What differs between Elasticsearch and OpenSearch in what is written. */
export interface SearchDialect {
  /** The field type for JSON documents of unknown form. */
  readonly flattened: 'flattened' | 'flat_object';
}

/** The media types that every version takes; those of a client's own major version shut out older servers. */
export function headersOf({ body, lines }: SearchRequest): Readonly<Record<string, string>> {
  const accept = { accept: 'application/json' };
  if (body === undefined) return accept;
  return { ...accept, 'content-type': lines ? 'application/x-ndjson' : 'application/json' };
}
