import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TaplineError } from '@tapline/kernel';

/**
 * Runs `work` while holding an exclusive lock on `file`, across processes. A `flock` child holds the lock for as long as its
 * stdin is open, so the kernel frees it even when this process is killed -9: there are no stale lock files to reason about.
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  const holder = spawn('flock', ['-x', file, 'sh', '-c', 'echo locked; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const gone = new Promise<void>((resolve) => {
    holder.once('close', () => {
      resolve();
    });
  });
  const failed = new Promise<never>((_, reject) => {
    holder.once('error', (cause) => {
      reject(
        new TaplineError('STACK_PREREQUISITE', {
          message: 'The program flock is missing.',
          remedy: 'Install the package util-linux.',
          cause,
        }),
      );
    });
    holder.once('close', () => {
      reject(new TaplineError('STACK_START_FAILED', { message: `Cannot lock ${file}.`, place: { path: file } }));
    });
  });
  failed.catch(() => undefined);
  await Promise.race([once(holder.stdout, 'data'), failed]);
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await gone;
  }
}
