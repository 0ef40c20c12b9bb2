import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TaplineError } from '@tapline/kernel';
import type { ManagedProcess } from './process.ts';
import { isAlive, type ProcessIdentity, stopProcess } from './process-identity.ts';

export interface StandingProcess extends ProcessIdentity {
  readonly name: string;
  readonly logFile: string;
}

/** Where something listens, for people: `MySQL`, `mysql -h127.0.0.1 -P23456 -uroot`. */
export interface StandingAddress {
  readonly name: string;
  readonly address: string;
  /** The same for programs: `MYSQL_PORT` → `23456`. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** What `tapline up` or `tapline demo --keep` left running in this clone. */
export interface Standing {
  readonly folder: string;
  readonly since: string;
  readonly addresses: readonly StandingAddress[];
  /** In the order in which they were started. */
  readonly processes: readonly StandingProcess[];
}

/** One stack a clone: the file lies beside the code, where git does not look; or in the folder that TAPLINE_STATE names, for a stack beside that one. */
const STATE_FILE = join(
  process.env['TAPLINE_STATE'] ?? fileURLToPath(new URL('../../../.tapline', import.meta.url)),
  'stack.json',
);

export async function writeStanding(
  folder: string,
  processes: readonly ManagedProcess[],
  addresses: readonly StandingAddress[],
): Promise<void> {
  const running = processes.flatMap(({ identity, spec }) =>
    identity && isAlive(identity) ? [{ ...identity, name: spec.name, logFile: spec.logFile }] : [],
  );
  const standing: Standing = { folder, since: new Date().toISOString(), addresses, processes: running };
  await mkdir(dirname(STATE_FILE), { recursive: true });
  await writeFile(STATE_FILE, `${JSON.stringify(standing, undefined, 2)}\n`);
}

/** What stands now, each process with whether it still runs; undefined when nothing was left up. */
export async function readStanding(): Promise<(Standing & { readonly running: ReadonlySet<string> }) | undefined> {
  const text = await readFile(STATE_FILE, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const standing = JSON.parse(text) as Standing;
  const running = new Set(standing.processes.filter((process) => isAlive(process)).map(({ name }) => name));
  return { ...standing, running };
}

/** Refuses when something stands already: its ports and its state file would be forgotten. */
export async function requireNothingStanding(): Promise<void> {
  const standing = await readStanding();
  if (!standing || standing.running.size === 0) return;
  throw new TaplineError('STACK_START_FAILED', {
    message: `Servers are up already, since ${standing.since}: ${[...standing.running].join(', ')}.`,
    remedy: 'tapline status shows them; tapline down stops them.',
  });
}

/** Stops everything that stands, services before the servers they use, and removes its folder. Gives the names stopped. */
export async function endStanding(): Promise<readonly string[]> {
  const standing = await readStanding();
  if (!standing) return [];
  // Services were started after the servers; brokers end together, as the last one alone would wait for its quorum.
  const brokers = standing.processes.filter(({ name }) => name.startsWith('kafka-'));
  const others = standing.processes.filter((process) => !brokers.includes(process)).toReversed();
  for (const process of others) await stopProcess(process, 30_000);
  await Promise.all(brokers.map((process) => stopProcess(process, 30_000)));
  if (basename(standing.folder).startsWith('tapline-')) await rm(standing.folder, { recursive: true, force: true });
  await rm(STATE_FILE, { force: true });
  return [...standing.running];
}
