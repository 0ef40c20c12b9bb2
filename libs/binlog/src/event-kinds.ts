import type { QueryForm } from './query-event.ts';
import { EVENT_TYPE } from './wire-types.ts';

/** Events that carry a statement, by the form in which they do. */
export const QUERY_FORMS: ReadonlyMap<number, QueryForm> = new Map([
  [EVENT_TYPE.QUERY, 'plain'],
  [EVENT_TYPE.EXECUTE_LOAD_QUERY, 'load'],
  [EVENT_TYPE.MARIA_QUERY_COMPRESSED, 'compressed'],
]);

/** Known and without meaning for row changes; the first ones accompany a statement that arrives as SQL. */
export const SKIPPED: ReadonlySet<number> = new Set([
  EVENT_TYPE.FORMAT_DESCRIPTION,
  EVENT_TYPE.STOP,
  EVENT_TYPE.INTVAR,
  EVENT_TYPE.RAND,
  EVENT_TYPE.USER_VAR,
  EVENT_TYPE.BEGIN_LOAD_QUERY,
  EVENT_TYPE.APPEND_BLOCK,
  EVENT_TYPE.DELETE_FILE,
  EVENT_TYPE.IGNORABLE,
  EVENT_TYPE.ROWS_QUERY,
  EVENT_TYPE.PREVIOUS_GTIDS,
  EVENT_TYPE.TRANSACTION_CONTEXT,
  EVENT_TYPE.VIEW_CHANGE,
  EVENT_TYPE.MARIA_ANNOTATE_ROWS,
  EVENT_TYPE.MARIA_BINLOG_CHECKPOINT,
  EVENT_TYPE.MARIA_GTID_LIST,
]);
