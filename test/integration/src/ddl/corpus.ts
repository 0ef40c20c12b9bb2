import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DdlReplay, Step } from './replay.ts';
import { holdsSql, isDdl, isSetting, statementsOfFile } from './sql-files.ts';

/** What came of the statements of one source: a repository, or the scripts of a server. */
export interface SourceReport {
  readonly source: string;
  readonly files: number;
  /** Different statements that the server accepted. */
  accepted: number;
  /** What it refused: another dialect, or a table that is not there. */
  refused: number;
  /** Rows read from the binlog and compared. */
  rows: number;
  readonly problems: string[];
}

/**
 * Replays the files under `folder` one after the other in one database, those that make tables before those that alter them, so that as much as possible
 * finds what it is about. `seen`: statements of other sources, which do not count twice.
 */
export async function replaySource(
  replay: DdlReplay,
  { folder, source, limit = Number.POSITIVE_INFINITY }: { folder: string; source: string; limit?: number },
  seen: Set<string>,
): Promise<SourceReport> {
  const paths = globSync('**/*', { cwd: folder }).filter(
    (path) => holdsSql(path) && statSync(join(folder, path), { throwIfNoEntry: false })?.isFile(),
  );
  const report: SourceReport = { source, files: paths.length, accepted: 0, refused: 0, rows: 0, problems: [] };
  await replay.run('CREATE DATABASE corpus');
  for (const path of paths.sort(byUse)) {
    if (report.accepted >= limit) break;
    const statements = statementsOfFile(path, readFileSync(join(folder, path), 'utf8'));
    if (statements.some(isDdl)) await replayFile(replay, { path, statements, limit }, report, seen);
  }
  report.problems.push(...(await replay.compareAll()).map((problem) => `at the end: ${problem}`));
  await replay.prepare("SET sql_mode = '', FOREIGN_KEY_CHECKS = 0");
  await replay.dropDatabases();
  return report;
}

const NATURAL = new Intl.Collator('en', { numeric: true });

/** What makes tables first, then by name and number, as migrations are numbered. */
function byUse(left: string, right: string): number {
  const makes = (path: string): number => (/create|schema|struct|init|install|baseline/i.test(path) ? 0 : 1);
  return makes(left) - makes(right) || NATURAL.compare(left, right);
}

async function replayFile(
  replay: DdlReplay,
  file: { path: string; statements: readonly string[]; limit: number },
  report: SourceReport,
  seen: Set<string>,
): Promise<void> {
  const note = (problems: readonly string[], what: string): void => {
    for (const problem of problems) report.problems.push(`${file.path}: ${what.slice(0, 1000)}\n    ${problem}`);
  };
  // A script may have dropped it.
  await replay.run('CREATE DATABASE IF NOT EXISTS corpus');
  for (const sql of ['USE corpus', "SET NAMES utf8mb4, sql_mode = ''"]) await replay.prepare(sql);
  const run = async (sql: string): Promise<Step> => {
    const step = await replay.run(sql);
    note(step.problems, sql);
    return step;
  };
  for (const sql of file.statements) {
    if (report.accepted >= file.limit) break;
    if (isSetting(sql)) await replay.prepare(sql).catch(() => undefined);
    if (!isDdl(sql)) continue;
    let step = await run(sql);
    const missing = step.refusal === undefined ? undefined : whatIsMissing(step.refusal);
    if (missing !== undefined) {
      await run(missing);
      step = await run(sql);
    }
    // It leaves a transaction open, in which nothing else may be done.
    if (/start\s+transaction/i.test(sql)) await replay.prepare('COMMIT');
    if (!step.accepted) {
      report.refused++;
      if (process.env.REFUSALS)
        console.log('REFUSED', file.path, step.refusal, '|', sql.slice(0, 150).replace(/\n/g, ' '));
    } else if (!seen.has(sql)) report.accepted++;
    if (step.accepted) seen.add(sql);
    report.rows += step.rows;
  }
}

/** The statement that lets a refused one be accepted: scripts begin where others have left off. */
function whatIsMissing(refusal: string): string | undefined {
  const table = /error 1050\b.*'(?:[^'.]+\.)?([^']+)'/.exec(refusal)?.[1];
  if (table !== undefined) return `DROP TABLE \`${table}\``;
  const database = /error 1049\b.*'([^']+)'/.exec(refusal)?.[1];
  return database === undefined ? undefined : `CREATE DATABASE \`${database}\``;
}

/** The report as lines for people. */
export function reportText(reports: readonly SourceReport[]): string {
  const lines = reports.map(
    ({ source, files, accepted, refused, rows, problems }) =>
      `${source}: ${files} files, ${accepted} statements accepted (${refused} refused), ${rows} rows, ${problems.length} problems`,
  );
  const total = (pick: (report: SourceReport) => number): number =>
    reports.reduce((sum, report) => sum + pick(report), 0);
  return [
    ...lines,
    `together: ${total((one) => one.accepted)} statements, ${total((one) => one.rows)} rows, ${total((one) => one.problems.length)} problems`,
  ].join('\n');
}
