import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { openStack, runCommand, type Stack } from '@tapline/test-stack';
import { CHART, VALUES_FILES } from '../tools/chart.ts';
import { findHelm } from '../tools/helm.ts';
import { findKubernetes } from '../tools/kubernetes.ts';
import { Cluster } from './cluster.ts';
import { PretendedNodes } from './pretended-nodes.ts';

const NAMESPACE = 'data';
const RELEASE = 'tapline';

let stack: Stack;
let cluster: Cluster;
let nodes: PretendedNodes;
let helmProgram: string;

beforeAll(async () => {
  const [helm, programs] = [await findHelm(), await findKubernetes()];
  if (helm === undefined || programs === undefined) throw new Error('Go is missing: apt-get install golang');
  helmProgram = helm;
  stack = await openStack({});
  cluster = await Cluster.start(stack, programs);
  nodes = await PretendedNodes.start(stack, programs, cluster);
  // Pod Security: the namespace refuses every pod that is not `restricted`.
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await cluster.ask('/api/v1/namespaces', 'POST', { metadata: { name: NAMESPACE, labels } });
  // The controller-manager furnishes it: only then is it told from a rendering without a cluster.
  while ((await cluster.ask(`/api/v1/namespaces/${NAMESPACE}/configmaps/kube-root-ca.crt`)) === undefined)
    await sleep(100);
}, 3_600_000);

afterAll(async () => {
  await nodes?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
}, 60_000);

/** Prints what was done and what Helm said, so that the run is its own log. */
async function helm(...args: string[]): Promise<string> {
  const all = [...args, '--namespace', NAMESPACE];
  process.stderr.write(`$ helm ${all.join(' ').replaceAll(CHART, 'helm/tapline')}\n`);
  const said = await runCommand(helmProgram, ['--kubeconfig', cluster.kubeconfig, ...all], { package: 'helm' }).catch(
    (error: Error) => {
      process.stderr.write(`${error.message.split('\n').slice(1).join('\n')}\n`);
      throw error;
    },
  );
  process.stderr.write(`${said}\n`);
  return said;
}

async function objects(path: string): Promise<readonly string[]> {
  const found = await cluster.ask(`${path}?labelSelector=app.kubernetes.io%2Finstance%3D${RELEASE}`);
  return (found?.items ?? []).map(({ metadata }) => metadata.name).toSorted();
}

const deployments = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
const quick = ['--values', VALUES_FILES.get('quick') ?? ''];
const wait = ['--wait', '--timeout', '5m'];

async function replicas(name: string): Promise<unknown> {
  const found = await cluster.ask(`${deployments}/${name}`);
  return [found?.spec?.replicas, found?.status?.readyReplicas];
}

test('an install without the Secret that an entry names is refused, by the entry’s key', async () => {
  await expect(helm('install', RELEASE, CHART, ...quick)).rejects.toThrow(
    'readers.shop.secrets.DB_PASSWORD: there is no Secret shop-mysql in the namespace data',
  );
  await cluster.ask(`/api/v1/namespaces/${NAMESPACE}/secrets`, 'POST', {
    metadata: { name: 'shop-mysql' },
    stringData: { user: 'cdc' },
  });
  await expect(helm('install', RELEASE, CHART, ...quick)).rejects.toThrow(
    'readers.shop.secrets.DB_PASSWORD: the Secret shop-mysql has no key password',
  );
});

test('an install makes everything, and all pods are admitted and become ready', async () => {
  await cluster.ask(`/api/v1/namespaces/${NAMESPACE}/secrets/shop-mysql`, 'PUT', {
    metadata: { name: 'shop-mysql' },
    stringData: { password: 'planted-kx81Vb' },
  });
  expect(await helm('install', RELEASE, CHART, ...quick, ...wait)).toContain('STATUS: deployed');
  expect(await objects(deployments)).toEqual(['tapline-reader-shop', 'tapline-writer-shop-to-redis']);
  expect(await replicas('tapline-reader-shop')).toEqual([2, 2]);
  expect(await objects(`/apis/policy/v1/namespaces/${NAMESPACE}/poddisruptionbudgets`)).toHaveLength(2);
  expect(await objects(`/apis/networking.k8s.io/v1/namespaces/${NAMESPACE}/networkpolicies`)).toEqual(['tapline']);
  const manifest = await helm('get', 'manifest', RELEASE);
  expect(manifest).not.toContain('planted-kx81Vb');
}, 400_000);

test('an upgrade that is wrong changes nothing; one that is right adds a writer and replaces what it changes', async () => {
  const adding = [
    'writers.audit.config.source.brokers={kafka:9092}',
    'writers.audit.config.source.topics={shop.shop.*}',
    'writers.audit.config.sink.type=redis',
  ].flatMap((value) => ['--set', value]);
  const wrong = helm(
    'upgrade',
    RELEASE,
    CHART,
    ...quick,
    ...adding,
    '--set',
    'writers.audit.config.sink.adress=redis:6379',
  );
  await expect(wrong).rejects.toThrow('adress');
  expect(await objects(deployments)).toHaveLength(2);

  await helm('upgrade', RELEASE, CHART, ...quick, ...adding, '--set', 'readers.shop.replicas=3', ...wait);
  expect(await objects(deployments)).toEqual([
    'tapline-reader-shop',
    'tapline-writer-audit',
    'tapline-writer-shop-to-redis',
  ]);
  expect(await replicas('tapline-reader-shop')).toEqual([3, 3]);
}, 400_000);

test('a roll-back brings back what was, and a delete leaves nothing', async () => {
  await helm('rollback', RELEASE, '1', ...wait);
  expect(await objects(deployments)).toEqual(['tapline-reader-shop', 'tapline-writer-shop-to-redis']);
  expect(await replicas('tapline-reader-shop')).toEqual([2, 2]);
  expect(await helm('history', RELEASE)).toContain('Rollback to 1');

  await helm('uninstall', RELEASE, ...wait);
  for (const path of [
    deployments,
    `/api/v1/namespaces/${NAMESPACE}/configmaps`,
    `/api/v1/namespaces/${NAMESPACE}/services`,
  ]) {
    expect(await objects(path)).toEqual([]);
  }
}, 400_000);
