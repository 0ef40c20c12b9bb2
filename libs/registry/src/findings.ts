import { type Finding, failedFinding, goodFinding, TaplineError } from '@tapline/kernel';
import type { Registry } from './registry.ts';

/** No registry gives out an id like this. */
const UNKNOWN_ID = 2_147_483_646;

/** Whether the registry answers: asked for a schema that it cannot have, it says so. Nothing is registered. */
export async function registryFinding(open: () => Promise<Registry>): Promise<Finding> {
  const check = 'registry';
  try {
    await using registry = await open();
    await registry.schema(UNKNOWN_ID, AbortSignal.timeout(10_000));
    return goodFinding(check, 'The schema registry answers.');
  } catch (error) {
    if (error instanceof TaplineError && error.code === 'REGISTRY_UNKNOWN_ID') {
      return goodFinding(check, 'The schema registry answers.');
    }
    return failedFinding(check, error);
  }
}
