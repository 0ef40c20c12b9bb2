import { join } from 'node:path';
import { inRoot, provisionOnce, unpackDebian } from '@tapline/test-stack';

/** The command line of promtool, of Debian's Prometheus. */
export async function findPromtool(): Promise<readonly [string, ...string[]]> {
  const { folder } = await provisionOnce('prometheus-bookworm', (into) =>
    unpackDebian('bookworm', ['prometheus'], into),
  );
  return inRoot(folder, join(folder, 'usr/bin/promtool'));
}
