import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';

import type { ProcessServer } from './context.ts';
import { withFileLock } from './lock.ts';

/** JVM options that map the archive, where it is there. */
export function mapClasses(archive: string): readonly string[] {
  return existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`, '-Xshare:auto'] : [];
}

/**
 * Keeps the classes that a Java server loads in an archive that later starts map (AppCDS), which takes a good part off each start. It is dumped
 * by one real start and stop, once; without it servers start all the same, so a failure here is only noted.
 *
 * @param layOut lays one server out whose JVM gets `options` in front of its own
 */
export async function archiveClasses(
  archive: string,
  layOut: (options: readonly string[]) => Promise<ProcessServer>,
): Promise<void> {
  const failed = `${archive}.failed`;
  if (existsSync(archive) || existsSync(failed)) return;
  await withFileLock(`${archive}.lock`, async () => {
    if (existsSync(archive) || existsSync(failed)) return;
    const recorded = await layOut([`-XX:ArchiveClassesAtExit=${archive}.new`]);
    await recorded.start();
    await recorded.stop();
    if (existsSync(`${archive}.new`)) await rename(`${archive}.new`, archive);
    else await writeFile(failed, await recorded.logs());
  });
}
