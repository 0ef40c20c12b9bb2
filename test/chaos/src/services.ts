import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { KillPoint } from '@tapline/kernel';
import type { ManagedProcess, StackBase } from '@tapline/test-stack';
import type { Random } from './random.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** A service that does not work after so long is stuck. */
const STUCK_MS = 300_000;

const KILL_AT = fileURLToPath(new URL('./kill-at.program.ts', import.meta.url));

/** What a reader logs when it begins to publish. */
export const STREAMING = '"streaming"';

/** A configuration, or a part of one. */
export type Config = Readonly<Record<string, unknown>>;

/**
 * A `tapline` command with this configuration as a process of its own; not launched yet. It is the Node process itself, so that a
 * signal reaches it and nothing in between.
 */
export async function taplineService(
  stack: StackBase,
  command: 'reader' | 'writer',
  config: Config & { readonly name: string },
): Promise<ManagedProcess> {
  const file = join(stack.folder, `${command}-${config.name}.yaml`);
  // JSON is YAML.
  await writeFile(file, JSON.stringify(config, undefined, 2));
  return stack.process({
    name: `${command} ${config.name}`,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', join(ROOT, 'services/cli/src/main.ts'), command, '--config', file],
    logFile: join(stack.folder, `${command}-${config.name}.log`),
  });
}

/** The same service, which ends itself with SIGKILL at the n-th passage of `point`. */
export function killedAt(stack: StackBase, service: ManagedProcess, point: KillPoint, passage: number): ManagedProcess {
  const { spec } = service;
  const env = { ...spec.env, TAPLINE_KILL_AT: `${point}:${passage}` };
  return stack.process({ ...spec, args: ['--import', KILL_AT, ...spec.args], env });
}

/**
 * Launches a service of `killedAt` and waits until it has killed itself; kills it when it has not `longestMs` after it has logged `working`, however long that
 * takes, or as soon as it has logged `over`, behind which it would not come to its point. Fails when it ends in any other way.
 *
 * @returns the point at which it died; undefined when it had to be killed.
 */
export async function lifeUntilKilled(
  service: ManagedProcess,
  { working, onWorking, over, longestMs }: { working: string; onWorking: () => void; over?: string; longestMs: number },
): Promise<KillPoint | undefined> {
  const logged = await launch(service);
  let killedMs = performance.now() + STUCK_MS;
  for (let works = false; service.running && performance.now() < killedMs; await sleep(50)) {
    const log = await logged();
    if (works && over !== undefined && log.includes(over)) break;
    if (works || !log.includes(working)) continue;
    works = true;
    onWorking();
    killedMs = performance.now() + longestMs;
  }
  const bySelf = service.running ? undefined : await service.exited;
  await service.kill();
  if (bySelf === undefined) return undefined;
  const point = /^killed at (\S+)$/m.exec(await logged())?.[1];
  if (bySelf.signal === 'SIGKILL' && point !== undefined) return point as KillPoint;
  throw new Error(
    `${service.spec.name} ended with ${bySelf.signal ?? `code ${bySelf.code}`} by itself:\n${await logTail(service)}`,
  );
}

/** Launches the service. @returns what it has logged since then, whenever asked. */
async function launch(service: ManagedProcess): Promise<() => Promise<string>> {
  const { logFile } = service.spec;
  const { size } = await stat(logFile).catch(() => ({ size: 0 }));
  await service.launch();
  return async () => (await readFile(logFile)).subarray(size).toString();
}

/** Launches the service and waits until it has logged `working`: only then does it surely handle signals. */
export async function launchUntil(service: ManagedProcess, working: string): Promise<void> {
  const logged = await launch(service);
  await liveUntil(service, async () => (await logged()).includes(working), working);
}

/**
 * Launches the service and kills it with SIGKILL: now and then at any moment of its start, otherwise up to `lifeMs` after it has logged `working`,
 * and every other time not before `done` has grown, so that on the slowest machine too there is something between two kills.
 */
export async function liveAndBeKilled(
  service: ManagedProcess,
  { random, working, done, lifeMs }: { random: Random; working: string; done: () => Promise<number>; lifeMs: number },
): Promise<void> {
  const before = await done();
  const logged = await launch(service);
  if (random.chance(0.25)) await live(service, random.int(0, 1500));
  else {
    await liveUntil(service, async () => (await logged()).includes(working), working);
    if (random.chance(0.5)) await liveUntil(service, async () => (await done()) > before, 'further than before');
    await live(service, random.int(0, lifeMs));
  }
  await service.kill();
}

/** Waits `lifeMs`; fails with the end of the log when the service ends by itself meanwhile. */
export async function live(service: ManagedProcess, lifeMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const lived = new Promise<'lived'>((resolve) => {
    timer = setTimeout(resolve, lifeMs, 'lived');
  });
  const ended = service.exited.then(({ code, signal }) => `ended with ${signal ?? `code ${code}`}`);
  const outcome = await Promise.race([lived, ended]);
  clearTimeout(timer);
  if (outcome !== 'lived') throw new Error(`${service.spec.name} ${outcome} by itself:\n${await logTail(service)}`);
}

/** Polls until `reached` is true; the service must stay alive meanwhile. Fails with the end of its log after `deadlineMs`. */
export async function liveUntil(
  service: ManagedProcess,
  reached: () => Promise<boolean>,
  what: string,
  deadlineMs = 300_000,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await reached())) {
    if (performance.now() > end)
      throw new Error(
        `${service.spec.name}: not yet "${what}" after ${deadlineMs / 1000} s\n${await logTail(service)}`,
      );
    await live(service, 200);
  }
}

/** SIGTERM; fails unless the service then ends with exit code 0. */
export async function stopCleanly(service: ManagedProcess): Promise<void> {
  const { exited } = service;
  service.signal('SIGTERM');
  const { code, signal } = await exited;
  if (code !== 0)
    throw new Error(
      `${service.spec.name} ended with ${signal ?? `code ${code}`} after SIGTERM:\n${await logTail(service)}`,
    );
}

export async function logTail(service: ManagedProcess, lines = 40): Promise<string> {
  return (await service.logs()).trimEnd().split('\n').slice(-lines).join('\n');
}
