// Loads every module that the image has, those too that a service loads only when its configuration asks for them. So what Node makes of them is in the
// image: a read-only root has no other time for it. For `node --import`, so that it runs under the very flags of a command: they are part of the key.
import { glob } from 'node:fs/promises';

const root = new URL('..', import.meta.url).pathname;
/** What takes the place of this process, and what only a clone of the repository can load. */
const entry = /services\/cli\/src\/(main|run)\.ts$/;

for await (const file of glob('{libs,services}/*/src/**/*.ts', { cwd: root })) {
  if (entry.test(file)) continue;
  await import(`${root}${file}`).catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  });
}
