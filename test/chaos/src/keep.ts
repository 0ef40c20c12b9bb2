import { copyFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { ManagedProcess } from '@tapline/test-stack';

/** Keeps the logs of services beyond their stack when a test fails, in a folder under the system's temporary one. */
export class KeptLogs implements AsyncDisposable {
  readonly #services: readonly ManagedProcess[];
  #passed = false;

  constructor(...services: readonly ManagedProcess[]) {
    this.#services = services;
  }

  /** Nothing to look into. */
  passed(): void {
    this.#passed = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#passed) return;
    const folder = join(tmpdir(), 'tapline-chaos-logs');
    await mkdir(folder, { recursive: true });
    for (const { spec } of this.#services) {
      const kept = join(folder, `${process.pid}-${basename(spec.logFile)}`);
      await copyFile(spec.logFile, kept).catch(() => {});
      console.log(`the log of ${spec.name} is ${kept}`);
    }
  }
}
