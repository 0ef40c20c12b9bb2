import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openStack, runCommand } from '@tapline/test-stack';
import { Cluster } from '../kubernetes/cluster.ts';
import { CHART } from '../tools/chart.ts';
import { eventually } from '../tools/eventually.ts';
import { type NodeOptions, startNode } from './running-node.ts';

/*
 * A cluster with one node, inside the namespaces of namespace.sh: MySQL, Kafka and Redis are on the node's own address, readers and writers are pods.
 * Every step is printed, with what Helm said, so that a run is its own log. Ends with 0 when everything was as it must be.
 */

/** By pods.kubernetes.test.ts: everything that has to be fetched or built, which needs the machine's network. */
export interface Plan extends Omit<NodeOptions, 'address'> {
  readonly helm: string;
  readonly servers: string;
}

const NAMESPACE = 'data';
const SECRETS = { mysql: 'planted-kx81Vb', redis: 'planted-Zq07Lm' };
const ADDRESS = process.env['TAPLINE_NODE_ADDRESS'] ?? '';
const plan = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as Plan;

await using stack = await openStack({
  // Nobody here knows the names of pods' addresses: a server that asks for them waits for an answer.
  mysql: { settings: { 'bind-address': '0.0.0.0', 'skip-name-resolve': 'ON' } },
  kafka: { advertisedHost: ADDRESS },
  redis: { bind: '0.0.0.0', requirepass: SECRETS.redis },
});
const cluster = await Cluster.start(stack, plan.servers);
await startNode(stack, cluster, { ...plan, address: ADDRESS });
say('a node is ready: kubelet, containerd and runc');

const started = performance.now();
function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function helmSays(...args: string[]): Promise<string> {
  const all = [...args, '--namespace', NAMESPACE];
  say(`$ helm ${all.join(' ').replaceAll(CHART, 'helm/tapline').replaceAll(stack.folder, '.')}`);
  return await runCommand(plan.helm, ['--kubeconfig', cluster.kubeconfig, ...all], { package: 'helm' });
}

/** Prints its answer too. A release that does not come up says nothing of why: what the pods say then is printed. */
async function helm(...args: string[]): Promise<string> {
  try {
    const said = await helmSays(...args);
    say(said.slice(0, Math.max(0, said.indexOf('NOTES:'))) || said);
    const logs = said.indexOf('POD LOGS:');
    if (logs !== -1) say(said.slice(logs));
    return said;
  } catch (error) {
    for (const { file, text } of await podLogs()) say(`${file}:\n${text.split('\n').slice(-8).join('\n')}`);
    throw error;
  }
}

async function told(what: string, holds: () => Promise<boolean>): Promise<void> {
  say(`${what}: after ${((await eventually(what, holds)) / 1000).toFixed(1)} s`);
}

async function inRedis(key: string, field: string): Promise<string> {
  const [program = '', ...args] = stack.redis.client ?? [];
  const login = ['--no-auth-warning', '-a', SECRETS.redis];
  return (await runCommand(program, [...args, ...login, 'HGET', key, field], { package: 'redis-tools' })).trim();
}

/** A row goes into MySQL, and must arrive under this key. */
async function flows(id: number, key = `orders:${id}`): Promise<void> {
  await stack.mysql.execute(`INSERT INTO shop.orders VALUES (${id}, 'note ${id}')`);
  await told(`order ${id} is in Redis as ${key}`, async () => (await inRedis(key, 'note')) === `note ${id}`);
}

async function podsOf(entry: string): Promise<readonly string[]> {
  const found = await cluster.ask(`/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=tapline%2Fname%3D${entry}`);
  return (found?.items ?? []).map(({ metadata }) => metadata.name);
}

for (const sql of [
  `CREATE USER planted IDENTIFIED BY '${SECRETS.mysql}'`,
  'GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT, XA_RECOVER_ADMIN ON *.* TO planted',
  'CREATE DATABASE shop',
  'CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(99))',
]) {
  await stack.mysql.execute(sql);
}
const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
await cluster.ask('/api/v1/namespaces', 'POST', { metadata: { name: NAMESPACE, labels } });
const secret = async (name: string, password: string): Promise<void> => {
  const body = { metadata: { name }, stringData: { password } };
  await cluster.ask(`/api/v1/namespaces/${NAMESPACE}/secrets`, 'POST', body);
};
await secret('shop-mysql', SECRETS.mysql);
await secret('redis', SECRETS.redis);

const brokers = stack.kafka.brokers.map(({ port }) => `${ADDRESS}:${port}`);
const writer = (key: string): object => ({
  config: {
    source: { brokers, topics: ['shop.shop.orders'] },
    sink: {
      type: 'redis',
      address: `${ADDRESS}:${stack.redis.port}`,
      password: '${file:/etc/tapline/files/redis/password}',
      key,
    },
  },
  files: { redis: { secret: 'redis' } },
});
const values = JSON.stringify({
  image: { repository: 'localhost/tapline', tag: 'pods', pullPolicy: 'Never' },
  readerDefaults: { resources: { requests: { cpu: '50m', memory: '128Mi' } } },
  writerDefaults: { replicas: 1, resources: { requests: { cpu: '50m', memory: '128Mi' } } },
  readers: {
    shop: {
      config: {
        source: {
          host: ADDRESS,
          port: stack.mysql.port,
          user: 'planted',
          password: '${env:DB_PASSWORD}',
          include: ['shop.*'],
        },
        kafka: { brokers },
        topics: { replicationFactor: 1 },
      },
      secrets: { DB_PASSWORD: { secret: 'shop-mysql', key: 'password' } },
    },
  },
  writers: { 'shop-to-redis': writer('orders:${key}') },
});
const valuesFile = join(stack.folder, 'values.yaml');
await writeFile(valuesFile, values);
const wait = ['--values', valuesFile, '--wait', '--timeout', '4m'];

assert.match(await helm('install', 'tapline', CHART, ...wait), /STATUS: deployed/);
await flows(1);
assert.match(await helm('test', 'tapline', '--logs', '--timeout', '4m'), /Phase: +Succeeded/);

await lookAtLogs();
const manifest = await helmSays('get', 'manifest', 'tapline');
for (const word of Object.values(SECRETS)) assert(!manifest.includes(word), 'a secret is in the manifests');
say('no secret is in the manifests');

say('a further writer, by configuration; the reader gets another one too, and is replaced');
const added = join(stack.folder, 'added.yaml');
await writeFile(
  added,
  JSON.stringify({
    readers: { shop: { config: { progress: { intervalMs: 2000 } } } },
    writers: { again: writer('again:${key}') },
  }),
);
const before = await podsOf('shop');
await helm('upgrade', 'tapline', CHART, ...wait, '--values', added);
await told('order 1 is in Redis as again:1', async () => (await inRedis('again:1', 'note')) === 'note 1');
await told('the reader’s old pods are gone', async () => {
  const now = await podsOf('shop');
  return now.length === 2 && !now.some((pod) => before.includes(pod));
});
await flows(2, 'again:2');

await lookAtLogs();
say('the pod of the reader that leads is deleted at once');
const leader = await leadingPod();
await cluster.ask(`/api/v1/namespaces/${NAMESPACE}/pods/${leader}?gracePeriodSeconds=0`, 'DELETE');
await flows(3);

await helm('rollback', 'tapline', '1', '--wait', '--timeout', '4m');
await flows(4);
assert.deepEqual(await podsOf('again'), [], 'the writer that was added is gone');

await lookAtLogs();

await helm('uninstall', 'tapline', '--wait', '--timeout', '4m');
await told('no pod is left', async () => {
  const left = await cluster.ask(`/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=tapline%2Fname`);
  return left?.items?.length === 0;
});
say(`everything in ${((performance.now() - started) / 1000).toFixed(0)} s`);

/** By its own word: of the reader's logs, the newest that says that it leads. */
async function leadingPod(): Promise<string> {
  const pods = await podsOf('shop');
  const leading: { pod: string; at: string }[] = [];
  for (const { file, text } of await podLogs()) {
    const pod = pods.find((name) => file.includes(name));
    const line = text.split('\n').findLast((one) => one.includes('"message":"leading"'));
    if (pod !== undefined && line !== undefined) leading.push({ pod, at: line.split(' ')[0] ?? '' });
  }
  const newest = leading.toSorted((a, b) => a.at.localeCompare(b.at)).at(-1);
  assert(newest !== undefined, 'no pod says that it leads');
  return newest.pod;
}

/** Of the pods that are there now. */
async function lookAtLogs(): Promise<void> {
  const logs = await podLogs();
  assert(logs.length > 0, 'pods have logs');
  for (const { file, text } of logs) {
    for (const word of Object.values(SECRETS)) assert(!text.includes(word), `a secret is in ${file}`);
    assert(!text.includes('KAFKA_FENCED'), `${file}: readers have shut each other out`);
  }
  say(`no secret is in ${logs.length} logs of containers, and no reader has shut out another one`);
}

async function podLogs(): Promise<readonly { file: string; text: string }[]> {
  const folder = join(plan.folder, 'logs');
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.log'));
  return await Promise.all(
    files.map(async (file) => ({ file, text: await readFile(join(folder, file), 'utf8').catch(() => '') })),
  );
}
