import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A process that cannot be mistaken for a later one with the same pid: the kernel's start time tells them apart. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat: clock ticks after boot. */
  readonly startTicks: string;
}

interface ProcessStat {
  readonly state: string;
  readonly threads: number;
  readonly startTicks: string;
}

function readStat(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name is in parentheses and may hold spaces and parentheses itself.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', threads: Number(fields[17]), startTicks: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

export function identityOf(pid: number): ProcessIdentity {
  return { pid, startTicks: readStat(pid)?.startTicks ?? '' };
}

/** A killed process whose first thread has ended is a zombie, but holds its files and ports until its last thread has ended. */
export function isAlive(identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid);
  if (stat === undefined || stat.startTicks !== identity.startTicks) return false;
  return stat.state !== 'Z' || stat.threads > 1;
}

/** Signals the process and the group it leads; nothing happens when it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  for (const target of [-identity.pid, identity.pid]) {
    try {
      process.kill(target, signal);
      return;
    } catch {
      // Not a group leader, or gone in between: the pid alone is tried, and a vanished process needs no signal.
    }
  }
}

/** Resolves true once the process is gone, false when it still lives at the deadline. */
export async function waitGone(identity: ProcessIdentity, deadlineMs: number): Promise<boolean> {
  const end = performance.now() + deadlineMs;
  while (isAlive(identity)) {
    if (performance.now() > end) return false;
    await delay(15);
  }
  return true;
}

/** SIGTERM, then SIGKILL at the deadline. A paused process is woken first, as it would not see SIGTERM. */
export async function stopProcess(identity: ProcessIdentity, deadlineMs: number): Promise<void> {
  signalProcess(identity, 'SIGTERM');
  signalProcess(identity, 'SIGCONT');
  if (await waitGone(identity, deadlineMs)) return;
  signalProcess(identity, 'SIGKILL');
  await waitGone(identity, 10_000);
}
