import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { command as reader } from '@tapline/reader';
import { runCommand } from '@tapline/test-stack';
import { command as writer } from '@tapline/writer';
import { parse } from 'yaml';
import { CHART, type Manifest, manifestsOf, type PodSpec, renderText, VALUES_FILES } from '../tools/chart.ts';
import { findHelm } from '../tools/helm.ts';
import { findPythonTools } from '../tools/python.ts';

/** The oldest that Chart.yaml takes, the newest that the schemas know, and some between. */
const KUBERNETES = ['1.27.0', '1.30.0', '1.33.0', '1.37.0'];

const [helm, python] = [await findHelm(), await findPythonTools()];
const checks = helm === undefined ? describe.skip : describe;
const whereValidated = python === undefined ? test.skip : test;
const folder = await mkdtemp(join(tmpdir(), 'tapline-chart-'));

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const texts = new Map<string, Promise<string>>();

/** Rendered once. */
async function textOf(values: string, ...options: string[]): Promise<string> {
  const all = ['-f', VALUES_FILES.get(values) ?? values, ...options];
  const text = texts.get(all.join(' ')) ?? renderText({ helm: helm ?? '', options: all });
  texts.set(all.join(' '), text);
  return await text;
}

async function rendered(values: string, ...options: string[]): Promise<readonly Manifest[]> {
  return manifestsOf(await textOf(values, ...options));
}

function podsOf(manifests: readonly Manifest[]): readonly PodSpec[] {
  return manifests.flatMap((one) =>
    one.kind === 'Pod' ? [one.spec] : one.kind === 'Deployment' ? [one.spec.template.spec] : [],
  );
}

const of = (manifests: readonly Manifest[], kind: string, name?: string): readonly Manifest[] =>
  manifests.filter((one) => one.kind === kind && (name === undefined || one.metadata.name === name));

checks.each([...VALUES_FILES])('with the values %s', (values, file) => {
  test('the linter has nothing against it', async () => {
    const said = await runCommand(helm ?? '', ['lint', '--strict', '-f', file, CHART], { package: 'helm' });
    expect(said).toContain('1 chart(s) linted, 0 chart(s) failed');
  });

  test('each file is a configuration of its service, under the variables and files that its pod has', async () => {
    const manifests = await rendered(values);
    for (const deployment of of(manifests, 'Deployment')) {
      const [container] = deployment.spec.template.spec.containers;
      const text = of(manifests, 'ConfigMap', deployment.metadata.name)[0]?.data?.['config.yaml'] ?? '';
      const files = join(folder, 'files');
      for (const [, path = ''] of text.matchAll(/\$\{file:\/etc\/tapline\/files\/([^}]+)\}/g)) {
        await mkdir(join(files, path, '..'), { recursive: true });
        await writeFile(join(files, path), 'planted');
      }
      const env = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value ?? 'planted']));
      const service = container?.args[0] === 'reader' ? reader : writer;
      const loaded = service.load({ text: text.replaceAll('/etc/tapline/files', files), env });
      expect(loaded.warnings).toEqual([]);
      const admin = container?.ports?.[0]?.containerPort;
      expect(loaded.value).toMatchObject({ admin: { host: '0.0.0.0', port: admin } });
      const { drainMs } = (loaded.value as { shutdown: { drainMs: number } }).shutdown;
      expect(deployment.spec.template.spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(drainMs + 12_000);
    }
  });

  test('no pod is root, writes its image’s files, gains a right or holds a token', async () => {
    const pods = podsOf(await rendered(values));
    expect(pods).toHaveLength(pods.filter(({ containers }) => containers.length === 1).length);
    for (const { securityContext, containers, automountServiceAccountToken } of pods) {
      expect(automountServiceAccountToken).toBe(false);
      expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(securityContext['runAsUser']).toBe(values === 'openshift' ? undefined : 10_001);
      expect(containers[0]?.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });

  test('selectors select what they are for, and nothing is mounted that is not there', async () => {
    const manifests = await rendered(values);
    for (const { metadata, spec } of of(manifests, 'Deployment')) {
      expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
      const budgets = of(manifests, 'PodDisruptionBudget', metadata.name);
      expect(budgets).toHaveLength((spec.replicas ?? 0) > 1 ? 1 : 0);
      for (const budget of budgets) expect(budget.spec).toMatchObject({ maxUnavailable: 1, selector: spec.selector });
      for (const [policy] of [of(manifests, 'NetworkPolicy')]) {
        if (policy !== undefined) expect(Object.keys(policy.spec)).toContain('podSelector');
      }
    }
    for (const { volumes, containers } of podsOf(manifests)) {
      const mounted = containers.flatMap(({ volumeMounts }) => volumeMounts.map(({ name }) => name));
      expect(mounted.toSorted()).toEqual(volumes.map(({ name }) => name).toSorted());
    }
  });
});

checks('the chart', () => {
  whereValidated.each(KUBERNETES)('makes objects of Kubernetes %s, whatever the values', async (kubernetes) => {
    const files = await Promise.all(
      [...VALUES_FILES.keys()].map(async (values) => {
        const parts = (await textOf(values)).split(/^---$/m);
        const file = join(folder, `${values}.yaml`);
        // What the Prometheus operator defines, promtool judges.
        await writeFile(file, parts.filter((part) => !part.includes('apiVersion: monitoring.coreos.com/')).join('---'));
        return file;
      }),
    );
    await python?.validate(kubernetes, files);
  });

  test('is taken by the oldest Kubernetes that it names, and not by older ones', async () => {
    await expect(textOf('quick', '--kube-version', KUBERNETES[0] ?? '')).resolves.toContain('kind: Deployment');
    await expect(textOf('quick', '--kube-version', '1.26.9')).rejects.toThrow('requires kubeVersion');
  });

  test('lets an entry win over the defaults, and the defaults over the chart’s', async () => {
    const manifests = await rendered('everything');
    const [shop] = of(manifests, 'Deployment', 'test-tapline-reader-shop');
    const [orders] = of(manifests, 'Deployment', 'test-tapline-writer-orders');
    expect([shop?.spec.replicas, orders?.spec.replicas]).toEqual([3, 5]);
    expect(shop?.spec.template.metadata.annotations).toMatchObject({
      'example.com/team': 'platform',
      'example.com/on-call': 'data',
    });
    expect(orders?.spec.template.spec.containers[0]).toMatchObject({
      image: 'images.example.com/platform/tapline:1.2.3',
      resources: { requests: { cpu: '250m', memory: '512Mi' }, limits: { memory: '1Gi' } },
    });
    expect(shop?.spec.template.spec.terminationGracePeriodSeconds).toBe(76);
  });

  test('names a reader and a writer after its key, unless its configuration has a name', async () => {
    const names = async (values: string): Promise<string[]> =>
      of(await rendered(values), 'ConfigMap').map(
        ({ data }) => (parse(data?.['config.yaml'] ?? '') as { name: string }).name,
      );
    expect(await names('quick')).toEqual(['shop', 'shop-to-redis']);
    expect(await names('everything')).toEqual(['shop-eu', 'orders']);
  });

  test('lets the replicas of a reader, and the pods of an upgrade, stand by for each other; the configuration can say otherwise', async () => {
    const leaderships = async (...options: string[]): Promise<unknown[]> =>
      of(await rendered('quick', ...options), 'ConfigMap').map(
        ({ data }) => (parse(data?.['config.yaml'] ?? '') as { leadership?: object }).leadership,
      );
    expect(await leaderships()).toEqual([{ enabled: true }, undefined]);
    const set = (text: string): string[] => ['--set', `readers.shop.config.leadership.${text}`];
    expect(await leaderships(...set('group=standbys'))).toEqual([{ group: 'standbys', enabled: true }, undefined]);
    expect(await leaderships(...set('enabled=false'))).toEqual([{ enabled: false }, undefined]);
  });

  test('replaces the pods of the entry whose configuration was changed, and of no other', async () => {
    const checksums = async (...options: string[]): Promise<Map<string, unknown>> => {
      const deployments = of(await rendered('quick', ...options), 'Deployment');
      return new Map(deployments.map(({ metadata, spec }) => [metadata.name, spec.template]));
    };
    const before = await checksums();
    const after = await checksums('--set', 'readers.shop.config.source.port=3307');
    expect(after.get('test-tapline-writer-shop-to-redis')).toEqual(before.get('test-tapline-writer-shop-to-redis'));
    expect(after.get('test-tapline-reader-shop')).not.toEqual(before.get('test-tapline-reader-shop'));
  });

  test('asks for life and readiness where the service tells of them, and tests with the doctor', async () => {
    const manifests = await rendered('quick');
    for (const { spec } of of(manifests, 'Deployment')) {
      const [container] = spec.template.spec.containers;
      for (const probe of [container?.startupProbe, container?.livenessProbe]) {
        expect(probe).toMatchObject({ httpGet: { path: '/livez', port: 'admin' } });
      }
      expect(container?.readinessProbe).toMatchObject({ httpGet: { path: '/readyz', port: 'admin' } });
    }
    const tests = of(manifests, 'Pod');
    expect(tests.map(({ metadata }) => metadata.annotations?.['helm.sh/hook'])).toEqual(['test', 'test']);
    expect(tests[0]?.spec.containers[0]?.args).toEqual(['doctor', '/etc/tapline/config/config.yaml']);
  });

  test('spreads the pods of an entry over nodes and zones, unless the entry says how', async () => {
    const constraintsOf = async (values: string, name: string): Promise<unknown> =>
      of(await rendered(values), 'Deployment', name)[0]?.spec.template.spec.topologySpreadConstraints;
    expect(await constraintsOf('quick', 'test-tapline-reader-shop')).toEqual(
      ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
        maxSkew: 1,
        topologyKey,
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: {
          matchLabels: {
            'app.kubernetes.io/name': 'tapline',
            'app.kubernetes.io/instance': 'test',
            'app.kubernetes.io/component': 'reader',
            'tapline/name': 'shop',
          },
        },
      })),
    );
  });

  test('lets only the admin port be reached, by whom the values name, and everything be left when egress is not narrowed', async () => {
    const [quick] = of(await rendered('quick'), 'NetworkPolicy');
    expect(quick?.spec).toMatchObject({
      podSelector: { matchLabels: { 'app.kubernetes.io/instance': 'test' } },
      ingress: [{ ports: [{ port: 'admin', protocol: 'TCP' }] }],
    });
    expect(Object.keys(quick?.spec ?? {})).toEqual(['podSelector', 'policyTypes', 'ingress']);
    const [narrow] = of(await rendered('everything'), 'NetworkPolicy');
    expect(narrow?.spec).toMatchObject({
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }] }],
      egress: [
        {
          ports: [
            { port: 53, protocol: 'UDP' },
            { port: 53, protocol: 'TCP' },
          ],
        },
        { to: [{ ipBlock: { cidr: '10.0.0.0/8' } }] },
      ],
    });
    expect(of(await rendered('quick', '--set', 'networkPolicy.enabled=false'), 'NetworkPolicy')).toEqual([]);
  });

  test('lets Prometheus find every pod by one service, and call it by its entry’s name', async () => {
    const manifests = await rendered('everything');
    const [[monitor], [service]] = [of(manifests, 'ServiceMonitor'), of(manifests, 'Service')];
    expect(monitor?.metadata.labels).toMatchObject({ release: 'prometheus' });
    expect(monitor?.spec).toMatchObject({
      selector: { matchLabels: { 'app.kubernetes.io/instance': 'test' } },
      podTargetLabels: ['tapline/name'],
      endpoints: [{ port: 'admin', path: '/metrics', interval: '30s' }],
    });
    expect(service?.metadata.labels).toMatchObject(monitor?.spec.selector.matchLabels ?? {});
    expect(service?.spec).toMatchObject({ ports: [{ name: 'admin', targetPort: 'admin' }] });
    for (const { spec } of of(manifests, 'Deployment')) {
      expect(spec.template.metadata.labels).toMatchObject(service?.spec.selector ?? { absent: 'true' });
      expect(spec.template.spec.containers[0]?.ports?.map(({ name }) => name)).toEqual(['admin']);
    }
  });

  test('passes secrets by reference, to the pods that need them', async () => {
    const manifests = await rendered('quick');
    const holders = manifests
      .filter((one) => JSON.stringify(one).includes('shop-mysql'))
      .map(({ kind, metadata }) => [kind, metadata.name]);
    expect(holders).toEqual([
      ['Deployment', 'test-tapline-reader-shop'],
      ['Pod', 'test-tapline-reader-shop-test'],
    ]);
  });

  test('installs nothing but an account and a network policy before there is an entry', async () => {
    const manifests = await rendered('empty');
    expect(manifests.map(({ kind }) => kind).toSorted()).toEqual(['NetworkPolicy', 'ServiceAccount']);
  });
});
