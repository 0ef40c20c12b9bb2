import { quoted } from './literal.ts';
import type { Script } from './script.ts';
import type { Session } from './session.ts';

/** The line that is of no partition. */
const HEAD = -1;

/** Where it is kept how far the partitions of a topic are applied to one table. */
export interface Offsets {
  /** The table of offsets, quoted: partition, topic, next offset, version of the last change that was applied. */
  readonly sql: string;
  /** The only topic whose changes go to the table. */
  readonly topic: string;
  /** As many as the topic had when its first change was applied. */
  readonly partitions: number;
}

/** How far a partition is applied. Versions grow along it, also when the topic is made anew and offsets begin at 0 again: so what is not above is stale. */
export interface Applied {
  readonly next: number;
  readonly version: bigint;
}

/** CREATE TABLE, without effect where it is there. */
export function createOffsets(sql: string): string {
  return `CREATE TABLE IF NOT EXISTS ${sql} (\`partition\` INT NOT NULL PRIMARY KEY, topic VARCHAR(249) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, next BIGINT NOT NULL, version BIGINT UNSIGNED NOT NULL) ENGINE=InnoDB`;
}

/** Says what topic the table is of, where nobody has said it: of two members that come with two topics, one is first. */
export async function claimOffsets(
  session: Session,
  { sql, topic, partitions }: Offsets,
  signal: AbortSignal,
): Promise<void> {
  await session.execute(`INSERT IGNORE INTO ${sql} VALUES (${HEAD}, ${quoted(topic)}, ${partitions}, 0)`, signal);
}

/** Undefined: nobody has said what topic it is of. */
export async function readOffsets(session: Session, sql: string, signal: AbortSignal): Promise<Offsets | undefined> {
  const [row] = await session.query(`SELECT topic, next FROM ${sql} WHERE \`partition\` = ${HEAD}`, signal);
  return row === undefined ? undefined : { sql, topic: row[0] ?? '', partitions: Number(row[1]) };
}

/** The versions that the partitions are applied to. */
export async function readApplied(session: Session, sql: string, signal: AbortSignal): Promise<Map<number, bigint>> {
  const rows = await session.query(`SELECT \`partition\`, version FROM ${sql}`, signal);
  return new Map(rows.map(([partition, version]) => [Number(partition), BigInt(version ?? '0')]));
}

/**
 * How far the partitions are applied, locked until the transaction ends: so of two who have a partition, as a member that does not know yet that it has lost it, one
 * waits here for the other, and then sees what is left for it.
 */
export async function lockApplied(
  script: Script,
  { sql, topic }: Offsets,
  partitions: readonly number[],
): Promise<Map<number, bigint>> {
  const ask = `SELECT \`partition\`, version FROM ${sql} WHERE \`partition\` IN (${partitions.join(',')}) FOR UPDATE`;
  for (;;) {
    const rows = await script.run(ask);
    const applied = new Map(rows.map(([partition, version]) => [Number(partition), BigInt(version ?? '0')]));
    const fresh = partitions.filter((partition) => !applied.has(partition));
    if (fresh.length === 0) return applied;
    const lines = fresh.map((partition) => `(${partition}, ${quoted(topic)}, 0, 0)`);
    script.later(`INSERT IGNORE INTO ${sql} VALUES ${lines.join(',')}`);
  }
}

/** For partitions that `lockApplied` has locked. */
export function storeApplied({ sql }: Offsets, applied: ReadonlyMap<number, Applied>): string {
  const cases = (of: (applied: Applied) => number | bigint): string =>
    `CASE \`partition\` ${[...applied].map(([partition, own]) => `WHEN ${partition} THEN ${of(own)}`).join(' ')} END`;
  return `UPDATE ${sql} SET next = ${cases(({ next }) => next)}, version = ${cases(({ version }) => version)} WHERE \`partition\` IN (${[...applied.keys()].join(',')})`;
}
