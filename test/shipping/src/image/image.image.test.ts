import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openStack, runCommand, type Stack } from '@tapline/test-stack';
import { eventually } from '../tools/eventually.ts';
import { buildImage, type ContainerSpec, type Image, removeContainers, startContainer } from './container.ts';

const PLANTED = { DB_PASSWORD: 'planted-kx81Vb', REDIS_PASSWORD: 'planted-Zq07Lm' };
const MAX_BYTES = 250_000_000;
const READY_MS = 2_000;

let stack: Stack<{ mysql: true; kafka: 1; redis: Readonly<Record<string, string>> }>;
let image: Image;

beforeAll(async () => {
  image = await buildImage('tapline:test', PLANTED);
  stack = await openStack({ mysql: true, kafka: 1, redis: { requirepass: PLANTED.REDIS_PASSWORD } });
}, 900_000);

afterAll(async () => {
  if (stack !== undefined) await removeContainers(stack);
  await stack?.[Symbol.asyncDispose]();
  await image?.[Symbol.asyncDispose]();
}, 120_000);

/** One service in a container, under the rules that the chart gives its pods. */
async function service(name: string, kind: 'reader' | 'writer', config: object, secrets: Partial<ContainerSpec>) {
  const [port = 0] = await stack.reserve(1);
  const file = '/etc/tapline/config/config.yaml';
  const variable = `TAPLINE_${kind.toUpperCase()}_ADMIN`;
  const container = await startContainer(stack, image, {
    name,
    args: [kind, '--config', file],
    env: { [`${variable}_HOST`]: '127.0.0.1', [`${variable}_PORT`]: String(port), ...secrets.env },
    files: { [file]: JSON.stringify(config), ...secrets.files },
  });
  const get = async (path: string): Promise<Response> => await fetch(`http://127.0.0.1:${port}${path}`);
  const launched = performance.now();
  await eventually(`${name} is ready`, async () => (await get('/readyz')).ok).catch(async (error: Error) => {
    throw new Error(`${error.message}; it says:\n${await container.logs()}`);
  });
  return { container, get, readyMs: performance.now() - launched };
}

async function redis(...command: string[]): Promise<string> {
  const [program = '', ...args] = stack.redis.client ?? [];
  const login = ['--no-auth-warning', '-a', PLANTED.REDIS_PASSWORD];
  return (await runCommand(program, [...args, ...login, ...command], { package: 'redis-tools' })).trim();
}

test('the image is small, names its user and its health check, and says what it is made of', async () => {
  process.stderr.write(`image: ${(image.sizeBytes / 1e6).toFixed(0)} MB\n`);
  expect(image.sizeBytes).toBeLessThanOrEqual(MAX_BYTES);
  expect(image.config).toMatchObject({ User: '10001:10001', Entrypoint: ['/app/tapline'] });
  expect(image.config.Healthcheck?.Test).toContain('/app/docker/healthcheck.mjs');
  const bill = JSON.parse(await readFile(join(image.root, 'app/sbom.cdx.json'), 'utf8')) as {
    bomFormat: string;
    components: readonly { name: string }[];
  };
  expect(bill.bomFormat).toBe('CycloneDX');
  const packages = bill.components.map(({ name }) => name);
  expect(packages).toEqual(expect.arrayContaining(['kafkajs', 'mysql2', 'ioredis']));
  expect(packages).not.toContain('jest');
});

test('only what runs in production is in it', async () => {
  const app = join(image.root, 'app');
  expect((await readdir(app)).toSorted()).toEqual([
    '.npmrc',
    '.tapline',
    'LICENSE',
    'docker',
    'libs',
    'node_modules',
    'package-lock.json',
    'package.json',
    'sbom.cdx.json',
    'services',
    'tapline',
  ]);
  const packages = await readdir(join(app, 'node_modules'));
  for (const name of ['jest', 'typescript', 'fast-check', '@swc']) expect(packages).not.toContain(name);
  const sources = await readdir(join(app, 'libs'), { recursive: true });
  expect(sources.filter((path) => /\.test\.ts$|(^|\/)(fixtures|testing)(\/|$)/.test(path))).toEqual([]);
});

test('a change goes from MySQL through the reader and the writer into Redis, as no root, on a read-only root', async () => {
  const { host, port } = stack.mysql.readerAddress;
  for (const sql of [
    `CREATE USER planted IDENTIFIED BY '${PLANTED.DB_PASSWORD}'`,
    'GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT, XA_RECOVER_ADMIN ON *.* TO planted',
    'CREATE DATABASE image_shop',
    'CREATE TABLE image_shop.orders (id INT PRIMARY KEY, note VARCHAR(99))',
    `INSERT INTO image_shop.orders VALUES (1, 'first')`,
  ]) {
    await stack.mysql.execute(sql);
  }
  const brokers = [...stack.kafka.address.brokers];
  const reading = {
    name: 'image',
    source: { host, port, user: 'planted', password: '${env:DB_PASSWORD}', include: ['image_shop.*'] },
    kafka: { brokers },
    topics: { replicationFactor: 1 },
  };
  const writing = {
    name: 'image-to-redis',
    source: { brokers, topics: ['image.image_shop.orders'] },
    sink: {
      type: 'redis',
      address: stack.redis.address.address,
      password: '${file:/etc/tapline/files/redis/password}',
    },
  };
  const files = { '/etc/tapline/files/redis/password': PLANTED.REDIS_PASSWORD };
  const env = { DB_PASSWORD: PLANTED.DB_PASSWORD };

  const reader = await service('reader', 'reader', reading, { env });
  const writer = await service('writer', 'writer', writing, { files });
  await stack.mysql.execute(`INSERT INTO image_shop.orders VALUES (2, 'second')`);
  for (const [id, note] of [
    ['1', 'first'],
    ['2', 'second'],
  ] as const) {
    await eventually(`order ${id} is in Redis`, async () => (await redis('HGET', `orders:${id}`, 'note')) === note);
  }
  const told = await Promise.all(
    [reader, writer].flatMap(({ get }) => ['/state', '/metrics'].map(async (path) => (await get(path)).text())),
  );
  for (const { container } of [reader, writer]) await container.stop();

  // Again, with everything there: how long a replaced pod takes.
  const times: number[] = [];
  for (const name of ['again-1', 'again-2', 'again-3']) {
    const again = await service(name, 'reader', reading, { env });
    times.push(again.readyMs);
    told.push(await again.container.logs());
    await again.container.stop();
  }
  process.stderr.write(`image: ready in ${times.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}\n`);
  // On a machine that has other things to do the clock says nothing.
  if ((loadavg()[0] ?? 0) < availableParallelism()) expect(Math.min(...times)).toBeLessThanOrEqual(READY_MS);

  for (const { container } of [reader, writer]) {
    expect(await container.logs()).toContain('service stopped');
    told.push(await container.logs());
  }
  for (const secret of Object.values(PLANTED)) for (const text of told) expect(text).not.toContain(secret);
}, 300_000);

test('a secret of whoever builds the image is in none of its layers', async () => {
  const folder = await image.layers(join(stack.folder, 'layers'));
  const found = async (text: string): Promise<string> =>
    await runCommand(
      'sh',
      ['-c', 'grep --recursive --files-with-matches --fixed-strings -e "$1" "$2" || true', 'look', text, folder],
      { package: 'grep' },
    );
  expect(await found('healthcheck.mjs')).not.toBe('');
  for (const secret of Object.values(PLANTED)) expect(await found(secret)).toBe('');
}, 120_000);

test('a command that is for a clone of the repository says so', async () => {
  const container = await startContainer(stack, image, { name: 'demo', args: ['demo'] });
  await eventually('it has ended', async () => (await container.logs()).includes('not in this image'));
});
