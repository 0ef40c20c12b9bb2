import { isRefused, refusalOf, refused } from './classify.ts';
import type { SearchClient } from './client.ts';

/** Whether the store is there and lets us in. @throws TaplineError SINK_SEARCH_*. */
export async function checkStore(client: SearchClient, signal: AbortSignal): Promise<void> {
  const answer = await client.send(
    { method: 'GET', path: '/_cluster/health', query: { filter_path: 'status' } },
    signal,
  );
  if (isRefused(answer)) throw refused(refusalOf(answer), client.address);
}
