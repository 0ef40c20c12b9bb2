import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { onPath } from '@tapline/test-stack';
import { buildImage, DEBIAN, saveImage } from '../image/container.ts';
import { NamespaceFolder } from '../namespace/namespace.ts';
import type { Plan } from './compose.program.ts';
import { findCompose } from './engine.ts';
import { findStandIns } from './stand-ins.ts';

test('the stack of compose.yaml comes up with one command, carries the demo’s rows, survives kills, and goes without a trace', async () => {
  if (process.getuid?.() !== 0) throw new Error('An engine of containers needs root.');
  const missing = ['docker', 'dockerd', 'buildah', 'debootstrap'].filter((name) => onPath(name) === undefined);
  if (missing.length > 0)
    throw new Error(`${missing.join(', ')} missing: apt-get install docker.io buildah debootstrap`);
  await using folder = await NamespaceFolder.make();
  await using _image = await buildImage('tapline:compose', {});
  const plan: Plan = {
    folder: folder.path,
    compose: await findCompose(),
    standIns: await findStandIns(),
    images: [
      await saveImage(DEBIAN, join(folder.path, 'debian.tar')),
      await saveImage('localhost/tapline:compose', join(folder.path, 'tapline.tar'), 'tapline:local'),
    ],
  };
  expect(await folder.run(new URL('compose.program.ts', import.meta.url), plan)).toBe(0);
}, 1_800_000);
