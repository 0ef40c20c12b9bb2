import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { buildah, buildImage, DEBIAN, saveImage } from '../image/container.ts';
import { NamespaceFolder } from '../namespace/namespace.ts';
import { findHelm } from '../tools/helm.ts';
import { findKubernetes, findNodePrograms } from '../tools/kubernetes.ts';
import type { Plan } from './pods.program.ts';
import { PAUSE } from './running-node.ts';

/** Archives of the service's image and of one that only sleeps. */
async function saveImages(folder: string): Promise<readonly string[]> {
  await using _image = await buildImage('tapline:pods', {});
  const sleeping = await buildah('from', '--pull-never', DEBIAN);
  await buildah('config', '--cmd', '["sleep","infinity"]', sleeping);
  await buildah('commit', '--quiet', '--rm', sleeping, PAUSE);
  return await Promise.all(
    [PAUSE, 'localhost/tapline:pods'].map((name, index) => saveImage(name, join(folder, `image-${index}.tar`))),
  );
}

test('pods of readers and writers are installed, tested, upgraded, killed, rolled back and deleted, and rows flow all the while', async () => {
  const [helm, servers, programs] = [await findHelm(), await findKubernetes(), await findNodePrograms()];
  if (helm === undefined || servers === undefined || programs === undefined)
    throw new Error('Go is missing: apt-get install golang');
  await using folder = await NamespaceFolder.make();
  const plan: Plan = { helm, servers, programs, folder: folder.path, images: await saveImages(folder.path) };
  expect(await folder.run(new URL('pods.program.ts', import.meta.url), plan)).toBe(0);
}, 3_600_000);
