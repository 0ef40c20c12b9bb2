import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withFileLock } from './lock.ts';

/** Where server packages, unpacked servers and initialised data templates live, shared by every run of this user. */
export function cacheFolder(): string {
  return process.env['TAPLINE_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tapline');
}

/** What stands in the cache: written once a component is complete, so that a half-made folder is never used. */
export interface Provisioned {
  readonly folder: string;
  /** What was fetched, as `name version` lines: packages of a moving index are recorded here. */
  readonly versions: readonly string[];
}

const STAMP = '.provisioned.json';

async function readStamp(folder: string): Promise<Provisioned | undefined> {
  const stamp = join(folder, STAMP);
  if (!existsSync(stamp)) return undefined;
  const parsed = JSON.parse(await readFile(stamp, 'utf8')) as { versions: string[] };
  return { folder, versions: parsed.versions };
}

/**
 * Returns the cache folder of `name`, built at most once by whichever run comes first. `build` fills the folder it is given and
 * returns what was fetched. The folder gets its final name by a rename after everything is in it.
 */
export async function provisionOnce(
  name: string,
  build: (folder: string) => Promise<readonly string[]>,
  say: (line: string) => void = () => undefined,
): Promise<Provisioned> {
  const folder = join(cacheFolder(), name);
  const present = await readStamp(folder);
  if (present) return present;
  return await withFileLock(join(cacheFolder(), 'locks', `${name}.lock`), async () => {
    const made = await readStamp(folder);
    if (made) return made;
    say(`fetching ${name} (once; kept in ${cacheFolder()})`);
    const work = `${folder}.new`;
    await rm(work, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
    await mkdir(work, { recursive: true });
    const versions = await build(work);
    await writeFile(join(work, STAMP), JSON.stringify({ versions }, undefined, 1));
    await rename(work, folder);
    return { folder, versions };
  });
}

/** Everything provisioned so far, for `tapline status` and bug reports. */
export async function provisionedVersions(): Promise<readonly { name: string; versions: readonly string[] }[]> {
  const found: { name: string; versions: readonly string[] }[] = [];
  const names = existsSync(cacheFolder()) ? await readdir(cacheFolder()) : [];
  for (const name of names.toSorted()) {
    const stamp = name.endsWith('.new') ? undefined : await readStamp(join(cacheFolder(), name));
    if (stamp) found.push({ name, versions: stamp.versions });
  }
  return found;
}
