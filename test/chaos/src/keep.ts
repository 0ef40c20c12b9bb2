import { copyFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { ManagedProcess } from '@tapline/test-stack';

/** Keeps the log of a service beyond its stack, for looking at a failed run: in TAPLINE_CHAOS_LOGS, or in a folder under the system's temporary one. */
export function logKept(service: ManagedProcess): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      const folder = process.env.TAPLINE_CHAOS_LOGS ?? join(tmpdir(), 'tapline-chaos-logs');
      await mkdir(folder, { recursive: true });
      const kept = join(folder, `${process.pid}-${basename(service.spec.logFile)}`);
      await copyFile(service.spec.logFile, kept).catch(() => {});
      console.log(`the log of ${service.spec.name} is ${kept}`);
    },
  };
}
