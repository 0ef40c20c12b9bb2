import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const LIBS = join(ROOT, 'libs');
const OWN = '@tapline/';
const run = promisify(execFile);

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/**
 * Packs `@tapline/client` as npm has packages: JavaScript with its types, which Node runs from node_modules, where it strips no types. The libraries of Tapline that it is made of
 * are bundled, as they are in no registry; those of others are dependencies, installed with it.
 *
 * @param folder where `tapline-client-<version>.tgz` is put.
 * @returns the path of that file.
 */
export async function packClient(folder: string): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'tapline-client-'));
  try {
    const manifests = await closure('client');
    await compile([...manifests.keys()], work);
    const top = join(work, 'package');
    for (const lib of manifests.keys()) {
      const target = lib === 'client' ? top : join(top, 'node_modules', '@tapline', lib);
      await mkdir(dirname(target), { recursive: true });
      await rename(join(work, 'out', lib), target);
      await copyData(lib, target);
      await writeFile(join(target, 'package.json'), manifestText(lib, manifests));
    }
    await mkdir(folder, { recursive: true });
    const { version } = manifests.get('client') as Manifest;
    const file = join(folder, `tapline-client-${version}.tgz`);
    // What `npm pack` makes: a tar of `package/`, bundled packages included.
    await run('tar', ['-czf', file, '-C', work, 'package']);
    return file;
  } finally {
    await rm(work, { recursive: true });
  }
}

/** The library, and all of ours that it needs. */
async function closure(lib: string, found = new Map<string, Manifest>()): Promise<Map<string, Manifest>> {
  if (found.has(lib)) return found;
  const manifest = JSON.parse(await readFile(join(LIBS, lib, 'package.json'), 'utf8')) as Manifest;
  found.set(lib, manifest);
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    if (name.startsWith(OWN)) await closure(name.slice(OWN.length), found);
  }
  return found;
}

async function compile(libs: readonly string[], work: string): Promise<void> {
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      rewriteRelativeImportExtensions: true,
      rootDir: LIBS,
      outDir: join(work, 'out'),
      typeRoots: [join(ROOT, 'node_modules/@types')],
    },
    include: [],
    files: libs.map((lib) => join(LIBS, lib, 'src/index.ts')),
  };
  const project = join(work, 'tsconfig.json');
  await writeFile(project, JSON.stringify(config));
  await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', project]);
}

/** Files that the sources read beside themselves. */
async function copyData(lib: string, target: string): Promise<void> {
  await cp(join(LIBS, lib, 'src'), join(target, 'src'), {
    recursive: true,
    filter: (path) => !TESTING.has(basename(path)) && (extname(path) === '' || extname(path) === '.br'),
  });
}

const TESTING: ReadonlySet<string> = new Set(['testing', 'fixtures']);

function manifestText(lib: string, manifests: ReadonlyMap<string, Manifest>): string {
  const { version, license } = manifests.get(lib) as Manifest;
  const manifest = {
    name: `${OWN}${lib}`,
    version,
    license,
    type: 'module',
    exports: { '.': { types: './src/index.d.ts', default: './src/index.js' } },
    ...(lib === 'client' ? clientOnly(manifests) : {}),
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** Those of others stand with the client for all that is bundled: from there every bundled package finds them. */
function clientOnly(manifests: ReadonlyMap<string, Manifest>): Readonly<Record<string, unknown>> {
  const bundled = [...manifests.keys()].filter((lib) => lib !== 'client');
  const all = [...manifests.values()].flatMap(({ dependencies = {} }) => Object.entries(dependencies));
  const others = all.filter(([name]) => !name.startsWith(OWN)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const own = bundled.map((lib) => [`${OWN}${lib}`, (manifests.get(lib) as Manifest).version] as const);
  return {
    description: 'The changes of MySQL tables out of Kafka, in order, in your own program.',
    engines: { node: '>=24' },
    dependencies: Object.fromEntries([...own, ...others]),
    bundleDependencies: own.map(([name]) => name),
  };
}
