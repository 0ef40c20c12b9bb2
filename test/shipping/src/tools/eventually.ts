import { sleep } from '@tapline/kernel';

/** Tries until it neither fails nor gives false; gives the milliseconds that took. After the deadline it fails with the last failure. */
export async function eventually(
  what: string,
  holds: () => Promise<unknown>,
  deadlineMs: number = 240_000,
): Promise<number> {
  const started = performance.now();
  for (;;) {
    let cause: unknown;
    try {
      if ((await holds()) !== false) return performance.now() - started;
    } catch (error) {
      cause = error;
    }
    if (performance.now() - started > deadlineMs)
      throw new Error(`${what}: not within ${deadlineMs / 1000} s`, { cause });
    await sleep(50);
  }
}
