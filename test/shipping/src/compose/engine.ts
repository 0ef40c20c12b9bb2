import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inRoot, provisionOnce, runCommand, type StackBase, unpackDebian } from '@tapline/test-stack';
import { makeGroup } from '../namespace/namespace.ts';
import { eventually } from '../tools/eventually.ts';

/** Docker's engine, in the namespaces of namespace.sh: its socket is in their /run, its networks are theirs. */
export interface Engine {
  /** For the docker program. */
  readonly env: Readonly<Record<string, string>>;
  /** Gives what it says on stdout. */
  docker(...args: string[]): Promise<string>;
}

/** The command line of `docker compose` as a program, of a release of Debian that has its second form. */
export async function findCompose(): Promise<readonly string[]> {
  const { folder } = await provisionOnce('compose-trixie', (into) => unpackDebian('trixie', ['docker-compose'], into));
  return inRoot(folder, join(folder, 'usr/libexec/docker/cli-plugins/docker-compose'));
}

/** `folder` is for images, containers and volumes: their mounts go with the namespaces, so it outlives the stack. */
export async function startEngine(stack: StackBase, folder: string, compose: readonly string[]): Promise<Engine> {
  const client = join(folder, 'docker');
  const plugins = join(client, 'cli-plugins');
  await mkdir(plugins, { recursive: true });
  const quoted = compose.map((word) => `'${word}'`).join(' ');
  await writeFile(join(plugins, 'docker-compose'), `#!/bin/sh\nexec ${quoted} "$@"\n`, { mode: 0o755 });
  const settings = join(folder, 'engine.json');
  await writeFile(
    settings,
    JSON.stringify({
      'data-root': join(folder, 'engine'),
      'storage-driver': 'overlay2',
      'exec-opts': ['native.cgroupdriver=cgroupfs'],
      'cgroup-parent': `/${await makeGroup(folder)}`,
    }),
  );
  const env = { DOCKER_HOST: 'unix:///run/docker.sock', DOCKER_CONFIG: client, DOCKER_BUILDKIT: '0' };
  const dockerd = stack.process({
    name: 'dockerd',
    command: 'dockerd',
    args: ['--config-file', settings, '--host', env.DOCKER_HOST],
    logFile: join(folder, 'engine.log'),
  });
  await dockerd.launch();
  const docker = async (...args: string[]): Promise<string> =>
    await runCommand('docker', args, { package: 'docker.io', env });
  await eventually('the engine answers', async () => await docker('version'));
  return { env, docker };
}
