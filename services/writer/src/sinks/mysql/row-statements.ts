import { type Change, EncodedChange, type Row } from '@tapline/sink';
import type { MysqlConfig } from './config.ts';
import { RowBytes } from './row-bytes.ts';
import { deletes, insertHead, inserts, type StatementLimits, upserts, upsertTail } from './statements.ts';
import type { Target } from './target.ts';

/** What becomes of one row: the newest of its changes. */
export interface RowEntry {
  /** The key's values as SQL. */
  readonly key: readonly string[];
  readonly change: Change;
  /** The row where the change alone does not say it; null: it goes. */
  readonly merged?: Row | null;
}

/** `before`: what the changes in front of it came to. */
export function rowEntry(key: readonly string[], change: Change, before: RowEntry | undefined): RowEntry {
  if (change.absent === null || before === undefined) return { key, change };
  const held = before.merged === undefined ? before.change.after : before.merged;
  // What an update does not carry is as the change before left it.
  const merged = change.after === null || held === null ? change.after : { ...held, ...change.after };
  return { key, change, merged };
}

const BYTES = new RowBytes();

/**
 * The statements that write rows whatever was there, each made when it is asked for. Rows that no transform has touched are written from their bytes in the record.
 */
export function* rowStatements(
  target: Target,
  entries: readonly RowEntry[],
  config: Pick<MysqlConfig, 'mode'> & StatementLimits,
): Generator<string> {
  const gone: RowEntry[] = [];
  const rows: Row[] = [];
  const encoded: EncodedChange[] = [];
  for (const entry of entries) {
    const { change, merged } = entry;
    if (merged === undefined && change instanceof EncodedChange && change.absent === null) {
      if (change.hasAfter) encoded.push(change);
      else gone.push(entry);
    } else {
      const after = merged === undefined ? change.after : merged;
      if (after === null) gone.push(entry);
      else rows.push(after);
    }
  }
  const isReplace = config.mode === 'replace';
  const away = (isReplace ? entries : gone).map((item) => ({ item }));
  yield* deletes(target, away, config);
  yield* (isReplace ? inserts : upserts)(target, rows, config);
  yield* encodedRows(target, encoded, config);
}

function* encodedRows(
  target: Target,
  changes: readonly EncodedChange[],
  { mode, batchRows, statementBytes }: Pick<MysqlConfig, 'mode'> & StatementLimits,
): Generator<string> {
  for (let from = 0, to = 0; from < changes.length; from = to) {
    const { columns } = changes[from] as EncodedChange;
    while (to < changes.length && to - from < batchRows && BYTES.length <= statementBytes) {
      const change = changes[to] as EncodedChange;
      if (change.columns !== columns) break;
      BYTES.add(change, target);
      to++;
    }
    const set = target.sets.ofNames(columns);
    yield insertHead(target, set) + BYTES.take() + (mode === 'replace' ? '' : upsertTail(target, set));
  }
}
