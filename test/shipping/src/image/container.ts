import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ManagedProcess, runCommand, type StackBase } from '@tapline/test-stack';
import { ROOT } from '../tools/chart.ts';

/** What build-local.sh makes in place of the Dockerfile's base. */
export const DEBIAN = 'docker.io/library/debian:bookworm-slim';

const USER = 10_001;
const CPU_SHARES = 16_384;

/** The image as buildah has it, and its file system where it can be looked at and started. */
export interface Image extends AsyncDisposable {
  readonly id: string;
  readonly root: string;
  readonly sizeBytes: number;
  /** The image's own settings: variables, entry point, user. */
  readonly config: ImageConfig;
  /** Folder to which each layer was unpacked, in order. */
  layers(into: string): Promise<string>;
}

interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Healthcheck?: { readonly Test: readonly string[] };
}

export async function buildah(...args: string[]): Promise<string> {
  return (await runCommand('buildah', args, { package: 'buildah' })).trim();
}

/** An archive of an image of this machine's, for another engine, in which it is called `as`. */
export async function saveImage(name: string, file: string, as: string = name): Promise<string> {
  await buildah('push', '--quiet', name, `docker-archive:${file}:${as}`);
  return file;
}

/** Builds the image from the tree as it is, with these variables in the builder's environment, and mounts it. */
export async function buildImage(tag: string, env: Readonly<Record<string, string>>): Promise<Image> {
  await runCommand(join(ROOT, 'docker/build-local.sh'), [tag], { package: 'buildah debootstrap', env });
  const container = await buildah('from', '--pull-never', `localhost/${tag}`);
  const root = await buildah('mount', container);
  const { FromImageID: id, Docker } = JSON.parse(await buildah('inspect', '--type', 'image', `localhost/${tag}`)) as {
    FromImageID: string;
    Docker: { config: ImageConfig };
  };
  const sizes = await runCommand('du', ['--summarize', '--bytes', '--one-file-system', root], {
    package: 'coreutils',
  });
  return {
    id,
    root,
    config: Docker.config,
    sizeBytes: Number(sizes.split('\t')[0]),
    async layers(into) {
      await mkdir(into, { recursive: true });
      await buildah('push', '--quiet', '--disable-compression', `localhost/${tag}`, `dir:${into}`);
      return into;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await buildah('rm', container);
    },
  };
}

export interface ContainerSpec {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Path in the container → the file's text. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A container as Kubernetes would run one under the chart's rules, in this machine's network: runc needs no engine. */
export async function startContainer(stack: StackBase, image: Image, spec: ContainerSpec): Promise<ManagedProcess> {
  const bundle = join(stack.folder, spec.name);
  const files = await Promise.all(
    Object.entries(spec.files ?? {}).map(async ([path, text]) => {
      const file = join(bundle, 'files', path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      return { destination: path, source: file };
    }),
  );
  await mkdir(bundle, { recursive: true });
  await writeFile(join(bundle, 'config.json'), JSON.stringify(bundleOf(image, spec, files)));
  const process = stack.process({
    name: spec.name,
    command: 'runc',
    args: ['--root', join(stack.folder, 'runc'), 'run', '--bundle', bundle, `tapline-${spec.name}`],
    logFile: join(stack.folder, `${spec.name}.log`),
  });
  await process.launch();
  return process;
}

/** Those that a failed test left running. */
export async function removeContainers(stack: StackBase): Promise<void> {
  const runc = ['--root', join(stack.folder, 'runc')];
  const running = (await runCommand('runc', [...runc, 'list', '--quiet'], { package: 'runc' })).split('\n');
  for (const id of running.filter((line) => line !== '')) {
    await runCommand('runc', [...runc, 'delete', '--force', id], { package: 'runc' });
  }
}

interface Mounted {
  readonly destination: string;
  readonly source: string;
}

/** The runtime's own file, of the OCI's runtime specification. */
function bundleOf({ root, config }: Image, { args, env = {} }: ContainerSpec, files: readonly Mounted[]): object {
  const own = ['nosuid', 'nodev'];
  return {
    ociVersion: '1.0.2',
    root: { path: root, readonly: true },
    process: {
      user: { uid: USER, gid: USER },
      args: [...config.Entrypoint, ...args],
      env: [...config.Env, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
      cwd: '/tmp',
      noNewPrivileges: true,
      capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: [...own, 'mode=1777'] },
      ...files.map((file) => ({ ...file, type: 'bind', options: ['bind', 'ro', ...own] })),
    ],
    // A group of processes weighs as much as one that is in none.
    linux: {
      resources: { cpu: { shares: CPU_SHARES } },
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
    },
  };
}
