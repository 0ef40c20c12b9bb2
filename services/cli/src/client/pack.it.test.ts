import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openKafka } from '@tapline/kafka';
import { openRegistry } from '@tapline/registry';
import { TopicWriter, testServers } from '@tapline/test-stack';
import { packClient } from './pack.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const run = promisify(execFile);

/** A project of somebody else: nothing of this repository but the package, and what that depends on. */
let project: string;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'tapline-other-project-'));
  const modules = join(project, 'node_modules');
  const client = join(modules, '@tapline/client');
  await mkdir(client, { recursive: true });
  await run('tar', ['-xzf', await packClient(project), '-C', client, '--strip-components=1']);
  const manifest = JSON.parse(await readFile(join(client, 'package.json'), 'utf8')) as {
    dependencies: Readonly<Record<string, string>>;
    bundleDependencies: readonly string[];
  };
  expect((await readdir(join(client, 'node_modules/@tapline'))).map((name) => `@tapline/${name}`).toSorted()).toEqual(
    manifest.bundleDependencies.toSorted(),
  );
  // As npm would install them.
  for (const name of [...Object.keys(manifest.dependencies), '@types/node']) {
    if (manifest.bundleDependencies.includes(name)) continue;
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  }
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'other', version: '1.0.0', type: 'module' }));
});
afterAll(async () => {
  if (project !== undefined) await rm(project, { recursive: true });
});

/** What the compiler says of these files of the project. */
async function compiled(...files: readonly string[]): Promise<string> {
  const strict = { strict: true, noEmit: true, module: 'nodenext', target: 'es2024', lib: ['es2024'], types: ['node'] };
  await writeFile(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...strict, skipLibCheck: true }, files }),
  );
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  return await run(process.execPath, [tsc, '-p', project], { cwd: project }).then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  );
}

test('another project compiles against the types of the package, and its program handles changes', async () => {
  const program = join(project, 'example.program.ts');
  await cp(join(ROOT, 'libs/client/src/testing/example.program.ts'), program);
  const wrong = (await readFile(program, 'utf8')).replace('${after.price}', '${after.prise}');
  await writeFile(join(project, 'wrong.ts'), wrong);
  const said = (await compiled('example.program.ts', 'wrong.ts')).trim().split('\n');
  expect(said).toEqual([expect.stringMatching(/^wrong\.ts\(\d+,\d+\): error TS2551: Property 'prise' does not exist/)]);

  const { brokers } = (await testServers('kafka')).kafka;
  await using kafka = openKafka({ brokers });
  await using registry = await openRegistry({ type: 'topic' }, { kafka });
  await using writer = await TopicWriter.open(
    kafka,
    registry,
    `packed${process.pid}r${Math.random().toString(36).slice(2, 8)}`,
    2,
  );
  writer.put({ id: 7, name: 'lamp', price: '12.50' });
  writer.remove(7);
  await writer.sent();
  const env = { ...process.env, BROKERS: brokers.join(), TOPIC: writer.topic };
  const child = spawn(process.execPath, [program], { cwd: project, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  try {
    let out = '';
    for await (const chunk of child.stdout) {
      out += String(chunk);
      if (out.includes('gone')) break;
    }
    expect(out).toBe('item 7 costs 12.50\nitem 7 is gone\n');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
  }
});
