import { TaplineError } from '@tapline/kernel';
import type { Row } from '@tapline/sink';
import type { MysqlConfig } from './config.ts';
import type { Item } from './plan.ts';
import type { Session } from './session.ts';
import type { Settled } from './settled.ts';
import { single } from './statements.ts';
import type { Target, TargetColumn } from './target.ts';

/** A change and the row that it is of. */
type RowChange = Pick<Item, 'target' | 'key' | 'change'>;

/**
 * Applies changes one by one, within a transaction that the caller begins and ends. A row that the server refuses leaves no trace: its statement is taken back by
 * the server, and its version is not written.
 */
export class RowByRow {
  readonly #session: Session;
  readonly #mode: MysqlConfig['mode'];
  readonly #signal: AbortSignal;

  constructor(session: Session, mode: MysqlConfig['mode'], signal: AbortSignal) {
    this.#session = session;
    this.#mode = mode;
    this.#signal = signal;
  }

  /** @throws TaplineError what is not the row's fault; the transaction is then to be rolled back. */
  async apply(item: Item): Promise<Settled> {
    const { target, key, change } = item;
    await this.#run(single.lock(target, key));
    const [held] = await this.#session.query(single.version(target, key), this.#signal);
    if (BigInt(held?.[0] ?? '0') >= change.version) return 'stale';
    const verdict = await this.write(item);
    if (!(verdict instanceof TaplineError)) await this.#run(single.setVersion(target, key, change.version));
    return verdict;
  }

  /** The same where it is known that the change is to be applied. */
  async write(row: RowChange): Promise<Settled> {
    try {
      return await this.#write(row);
    } catch (error) {
      if (error instanceof TaplineError && error.disposition === 'poison') return error;
      throw error;
    }
  }

  async #write(item: RowChange): Promise<Settled> {
    const { target, key, change } = item;
    const { after } = change;
    const present = (await this.#session.query(single.present(target, key), this.#signal)).length > 0;
    const wanted = this.#expected(item, present);
    if (wanted instanceof TaplineError) throw wanted;
    if (!wanted) return 'applied';
    if (after === null) {
      if (present) await this.#run(single.delete(target, key));
      return 'applied';
    }
    // Each unique key can stand in the way once.
    for (let turn = 0; ; turn++) {
      try {
        await this.#writeRow(target, key, after, present);
        return 'applied';
      } catch (error) {
        if (!isDuplicate(error) || turn > target.uniqueKeys.length) throw error;
        const way = await this.#makeWay(target, key, after, change.version);
        if (way === 'nobody') throw error;
        if (way === 'superseded') {
          await this.#run(single.delete(target, key));
          return 'stale';
        }
      }
    }
  }

  /** Strictly, and what strict mode never takes in a statement of its own: so all else in the row is checked. */
  async #writeRow(target: Target, key: readonly string[], row: Row, present: boolean): Promise<void> {
    const empty = target.sets.of(row).columns.filter(({ name, isNoMember }) => isNoMember(row[name]));
    const members = Object.fromEntries(empty.map(({ name, anyMember }) => [name, anyMember]));
    const taken = empty.length === 0 ? row : { ...row, ...members };
    if (present && this.#mode === 'replace') await this.#run(single.delete(target, key));
    const update = present && this.#mode !== 'replace';
    await this.#run(update ? single.update(target, key, taken) : single.insert(target, taken));
    if (empty.length > 0) await this.#session.lenient(single.noMembers(target, key, empty), this.#signal);
  }

  /** Whether the change is to be written, as the mode has it for a row that is there or is not. */
  #expected({ change, target, key }: RowChange, present: boolean): boolean | TaplineError {
    if (this.#mode === 'upsert' || this.#mode === 'replace') return true;
    // A tombstone repeats the delete before it; after compaction it stands alone, and nobody knows what of.
    if (change.tombstone) return present;
    const wantsRow = change.after === null || change.op === 'u';
    if (wantsRow === present) return true;
    if (this.#mode === 'insertIgnore') return false;
    return new TaplineError('SINK_MYSQL_STRICT', {
      message: `${target.name}: ${wantsRow ? 'no row to change or delete' : 'a row is there already'}, key ${key.join(', ')}.`,
      place: { table: target.name },
    });
  }

  /**
   * Another row holds a unique value that this one needs. Rows of one table come through several partitions, so either this change is ahead of the one by
   * which the other row gave the value up, or it is behind: the versions tell. The older of the two goes, as the source has not had both at a time; a newer
   * change of it is on its way, and brings it back as it is then.
   */
  async #makeWay(
    target: Target,
    key: readonly string[],
    row: Row,
    version: bigint,
  ): Promise<'made' | 'superseded' | 'nobody'> {
    let way: 'made' | 'nobody' = 'nobody';
    for (const { columns } of target.uniqueKeys) {
      if (!columns.every((column) => isKnown(column, row))) continue;
      const holders = await this.#session.query(single.holder(target, key, columns, row), this.#signal);
      for (const [held] of holders) {
        if (held === null || held === undefined) {
          // Nobody of ours wrote that row, so nobody brings it back; or it is older than versions are.
          if (this.#mode !== 'replace' && !isAboveBefore(target, version)) return 'nobody';
        } else if (BigInt(held) > version) return 'superseded';
      }
      if (holders.length === 0) continue;
      await this.#run(single.evict(target, key, columns, row));
      way = 'made';
    }
    return way;
  }

  async #run(sql: string): Promise<void> {
    await this.#session.execute(sql, this.#signal);
  }
}

/** Whether a change is newer than all rows of ours that have no version. */
function isAboveBefore({ guard }: Target, version: bigint): boolean {
  if (guard.kind !== 'versions' || guard.before === undefined) return false;
  return [...guard.before.applied.values()].every((applied) => version > applied);
}

function isKnown({ name }: TargetColumn, row: Row): boolean {
  return row[name] !== null && row[name] !== undefined;
}

function isDuplicate(error: unknown): boolean {
  return error instanceof TaplineError && error.code === 'SINK_MYSQL_DUPLICATE';
}
