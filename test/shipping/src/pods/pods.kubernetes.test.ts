import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { runCommand } from '@tapline/test-stack';
import { buildImage } from '../image/container.ts';
import { findHelm } from '../tools/helm.ts';
import { findKubernetes, findNodePrograms } from '../tools/kubernetes.ts';
import type { Plan } from './pods.program.ts';
import { PAUSE, removeCgroups } from './running-node.ts';

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const DEBIAN = 'docker.io/library/debian:bookworm-slim';

async function buildah(...args: string[]): Promise<string> {
  return (await runCommand('buildah', args, { package: 'buildah' })).trim();
}

/** Archives of the service's image and of one that only sleeps. */
async function saveImages(folder: string): Promise<readonly string[]> {
  await using _image = await buildImage('tapline:pods', {});
  const sleeping = await buildah('from', '--pull-never', DEBIAN);
  await buildah('config', '--cmd', '["sleep","infinity"]', sleeping);
  await buildah('commit', '--quiet', '--rm', sleeping, PAUSE);
  return await Promise.all(
    [PAUSE, 'localhost/tapline:pods'].map(async (name, index) => {
      const file = join(folder, `image-${index}.tar`);
      await buildah('push', '--quiet', name, `docker-archive:${file}:${name}`);
      return file;
    }),
  );
}

test('pods of readers and writers are installed, tested, upgraded, killed, rolled back and deleted, and rows flow all the while', async () => {
  const [helm, servers, programs] = [await findHelm(), await findKubernetes(), await findNodePrograms()];
  if (helm === undefined || servers === undefined || programs === undefined)
    throw new Error('Go is missing: apt-get install golang');
  const folder = await mkdtemp(join(tmpdir(), 'tapline-node-'));
  try {
    // Its claims of ports are no other run's: it has a network of its own.
    const temporary = join(folder, 'tmp');
    await mkdir(temporary);
    const plan: Plan = { helm, servers, programs, folder, images: await saveImages(folder) };
    await writeFile(join(folder, 'plan.json'), JSON.stringify(plan));
    const program = [process.execPath, '--disable-warning=ExperimentalWarning', here('pods.program.ts')];
    const child = spawn(here('namespace.sh'), [...program, join(folder, 'plan.json')], {
      env: { ...process.env, TMPDIR: temporary, TAPLINE_NODE_ADDRESS: '10.77.0.1' },
      // The command's stdout is for one line of totals.
      stdio: ['ignore', process.stderr.fd, 'inherit'],
    });
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    expect(code).toBe(0);
  } finally {
    await removeCgroups(folder);
    await rm(folder, { recursive: true, force: true });
  }
}, 3_600_000);
