import { backoffMs, sleep, TaplineError } from '@tapline/kernel';

/** So often somebody else may have been faster before the engine is to wait. */
const TRIES = 30;

/** Before what another writer has changed meanwhile is read again. @throws TaplineError SINK_SEARCH_CONTENDED after many tries. */
export async function pauseOfConflict(tries: number, signal: AbortSignal): Promise<void> {
  if (tries >= TRIES)
    throw new TaplineError('SINK_SEARCH_CONTENDED', {
      message: `Others changed the same documents ${tries} times while this writer wanted to.`,
    });
  await sleep(backoffMs(tries, { firstDelayMs: 2, maxDelayMs: 200 }), signal);
}
