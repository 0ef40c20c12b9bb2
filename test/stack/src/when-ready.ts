import { setTimeout as delay } from 'node:timers/promises';

const TRIES = 600;
const PAUSE_MS = 200;

/** Asks again while a broker says "not now", which its client does not always do: of a topic or the groups' own topic just made, or just back. */
export async function whenReady<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (attempt === TRIES || (error as { readonly retriable?: boolean }).retriable !== true) throw error;
      await delay(PAUSE_MS);
    }
  }
}
