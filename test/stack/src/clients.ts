import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes a small script that runs a server's own client, connected to it: `mysql -e 'SELECT 1'`. Gives the script's path. */
export async function writeClient(folder: string, name: string, command: readonly string[]): Promise<string> {
  const path = join(folder, 'bin', name);
  await mkdir(join(folder, 'bin'), { recursive: true });
  const quoted = command.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`);
  await writeFile(path, `#!/bin/sh\nexec ${quoted.join(' ')} "$@"\n`);
  await chmod(path, 0o755);
  return path;
}
