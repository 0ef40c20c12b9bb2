import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { sleep } from '../async.ts';

/**
 * Looks at a configuration file every `lookMs` and on SIGHUP, until the signal aborts, and calls `take` when its content is another one; at first in any case, as what runs may have an
 * older configuration than the file. Where `take` gives false, it is called again at the next look. Contents are compared, because Kubernetes changes the files of a ConfigMap by moving a
 * symbolic link, which watchers of files do not tell of.
 */
export async function watchConfigFile(
  file: string,
  { lookMs, signal, take }: { readonly lookMs: number; readonly signal: AbortSignal; take(): Promise<boolean> },
): Promise<void> {
  let seen: string | undefined;
  let woken = new AbortController();
  using _hangup = onHangup(() => woken.abort());
  for (;;) {
    await sleep(lookMs, AbortSignal.any([signal, woken.signal])).catch(() => undefined);
    if (signal.aborted) return;
    const asked = woken.signal.aborted;
    woken = new AbortController();
    const text = await textHash(file);
    if (text === undefined || (text === seen && !asked)) continue;
    if (await take()) seen = text;
  }
}

const hangups = new Set<() => void>();
const hangUp = (): void => {
  for (const told of hangups) told();
};

/** One listener of the process, for however many watch. */
function onHangup(told: () => void): Disposable {
  if (hangups.size === 0) process.on('SIGHUP', hangUp);
  hangups.add(told);
  return {
    [Symbol.dispose](): void {
      hangups.delete(told);
      if (hangups.size === 0) process.off('SIGHUP', hangUp);
    },
  };
}

/** Undefined: it cannot be read, as in the middle of being replaced. */
async function textHash(file: string): Promise<string | undefined> {
  const bytes = await readFile(file).catch(() => undefined);
  return bytes && createHash('sha256').update(bytes).digest('hex');
}
