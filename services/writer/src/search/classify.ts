import { type ErrorCode, TaplineError } from '@tapline/kernel';
import type { SearchAnswer } from './client.ts';

/** Why a store refused: `error` of an answer, or of one item of a bulk. */
export interface Refusal {
  readonly status: number;
  /** The exception's name in snake case: `mapper_parsing_exception`. It is a code; `reason` is for people and is never looked at. */
  readonly type: string;
  readonly reason: string;
}

/** By the exception's name, where that says more than the status. Names of Elasticsearch 7 to 9 and OpenSearch 1 to 3. */
const BY_TYPE: Readonly<Record<string, ErrorCode>> = {
  // What one document has and the index cannot take.
  mapper_parsing_exception: 'SINK_SEARCH_MAPPING',
  document_parsing_exception: 'SINK_SEARCH_MAPPING',
  strict_dynamic_mapping_exception: 'SINK_SEARCH_MAPPING',
  illegal_argument_exception: 'SINK_SEARCH_MAPPING',
  routing_missing_exception: 'SINK_SEARCH_MAPPING',
  // States of an index that an operator ends.
  index_closed_exception: 'SINK_SEARCH_CLOSED',
  index_not_found_exception: 'SINK_SEARCH_INDEX_MISSING',
  invalid_index_name_exception: 'SINK_SEARCH_INDEX_NAME',
  invalid_alias_name_exception: 'SINK_SEARCH_INDEX_NAME',
  // Names of limits. Our requests are whole: what they are found not valid for is the limit of shards.
  validation_exception: 'SINK_SEARCH_QUOTA',
  es_rejected_execution_exception: 'SINK_SEARCH_BUSY',
  rejected_execution_exception: 'SINK_SEARCH_BUSY',
  open_search_rejected_execution_exception: 'SINK_SEARCH_BUSY',
  circuit_breaking_exception: 'SINK_SEARCH_BUSY',
  security_exception: 'SINK_SEARCH_ACCESS',
  // On their way from one node to another.
  unavailable_shards_exception: 'SINK_SEARCH_NOT_READY',
  no_shard_available_action_exception: 'SINK_SEARCH_NOT_READY',
  primary_shard_not_available: 'SINK_SEARCH_NOT_READY',
  master_not_discovered_exception: 'SINK_SEARCH_NOT_READY',
  cluster_manager_not_discovered_exception: 'SINK_SEARCH_NOT_READY',
  node_closed_exception: 'SINK_SEARCH_NOT_READY',
  process_cluster_event_timeout_exception: 'SINK_SEARCH_NOT_READY',
  index_shard_closed_exception: 'SINK_SEARCH_NOT_READY',
  shard_not_found_exception: 'SINK_SEARCH_NOT_READY',
};

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'SINK_SEARCH_ACCESS',
  403: 'SINK_SEARCH_ACCESS',
  413: 'SINK_SEARCH_TOO_LARGE',
  429: 'SINK_SEARCH_BUSY',
  502: 'SINK_SEARCH_NOT_READY',
  503: 'SINK_SEARCH_NOT_READY',
  504: 'SINK_SEARCH_NOT_READY',
};

/** A block has one name whatever it is about; its status says whether a full disk, a missing cluster state or an operator made it. */
const BLOCK_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  429: 'SINK_SEARCH_FULL',
  503: 'SINK_SEARCH_NOT_READY',
};

export function codeOf({ status, type }: Refusal): ErrorCode {
  if (type === 'cluster_block_exception') return BLOCK_BY_STATUS[status] ?? 'SINK_SEARCH_READ_ONLY';
  return BY_TYPE[type] ?? BY_STATUS[status] ?? 'SINK_SEARCH_FAILED';
}

export function isStale({ status, type }: Refusal): boolean {
  return status === 409 && type === 'version_conflict_engine_exception';
}

/** What a store refused, as one of our errors. */
export function refused(refusal: Refusal, address: string, index?: string): TaplineError {
  const what = index === undefined ? '' : ` in index ${index}`;
  const { status, type, reason } = refusal;
  return new TaplineError(codeOf(refusal), {
    message: `The store refused${what} with status ${status}, ${type || 'no type'}: ${reason || 'no reason given'}`,
    place: { address },
  });
}

export function isRefused({ status }: SearchAnswer): boolean {
  return status >= 400;
}

/** The refusal in an answer as a whole. Proxies in front of a store answer without its `error` block. */
export function refusalOf({ status, body }: SearchAnswer): Refusal {
  const error = isObject(body) ? body['error'] : undefined;
  if (!isObject(error)) return { status, type: '', reason: typeof body === 'string' ? body.slice(0, 200) : '' };
  return { status, ...describe(error) };
}

/** The name and the reason of an `error` block, with the reason of what caused it. */
export function describe(error: Readonly<Record<string, unknown>>): Omit<Refusal, 'status'> {
  const reasons: string[] = [];
  for (let one: unknown = error; isObject(one) && reasons.length < 4; one = one['caused_by']) {
    if (typeof one['reason'] === 'string') reasons.push(one['reason']);
  }
  const { type } = error;
  return { type: typeof type === 'string' ? type : '', reason: reasons.join(' ← ').slice(0, 1000) };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
