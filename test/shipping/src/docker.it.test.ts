import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { command as reader } from '@tapline/reader';
import { command as writer } from '@tapline/writer';
import { parse } from 'yaml';
import { ROOT } from './tools/chart.ts';
import { findPythonTools } from './tools/python.ts';

interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: unknown;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
}

const python = await findPythonTools();
const file = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

(python === undefined ? test.skip : test)('the linter has nothing against the Dockerfile', async () => {
  expect(await python?.hadolint(join(ROOT, 'docker/Dockerfile'))).toBe('');
});

test('the image’s Node is the one that the tests run with', () => {
  const { devDependencies } = JSON.parse(file('package.json')) as { devDependencies: { node: string } };
  expect(file('docker/Dockerfile')).toContain(`node:${devDependencies.node}-bookworm-slim`);
  expect(file('docker/build-local.sh')).toContain(`node_version=${devDependencies.node}`);
});

test('the images that the image is made of are pinned by version and by digest', () => {
  const dockerfile = file('docker/Dockerfile');
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base = '']) => base);
  expect(bases).toEqual(['${NODE}', '${DEBIAN}']);
  for (const base of bases) {
    const [, pinned] = new RegExp(`^ARG ${base.slice(2, -1)}=(.*)$`, 'm').exec(dockerfile) ?? [];
    expect(pinned).toMatch(/^[a-z]+:[\w.-]*\d[\w.-]*@sha256:[0-9a-f]{64}$/);
  }
});

test('the stack of Compose: pinned images, services that wait for what they need, configurations that are right', () => {
  const { services } = parse(file('docker/compose.yaml'), { merge: true }) as {
    services: Readonly<Record<string, ComposeService>>;
  };
  expect(Object.keys(services)).toEqual(['mysql', 'kafka', 'redis', 'reader', 'writer', 'demo']);
  for (const { image, depends_on = {} } of Object.values(services)) {
    expect(image).toMatch(/:[^:]+$/);
    expect(image).not.toContain('latest');
    for (const [name, { condition }] of Object.entries(depends_on)) {
      // Of the image itself.
      const checked = services[name]?.image === 'tapline:local' || services[name]?.healthcheck !== undefined;
      expect([name, condition, checked]).toEqual([name, 'service_healthy', true]);
    }
  }
  for (const [name, command] of [
    ['reader', reader],
    ['writer', writer],
  ] as const) {
    const service = services[name];
    const [, , path] = service?.command ?? [];
    const mounted = service?.volumes?.find((volume) => volume.includes(`:${path}:ro`))?.split(':')[0] ?? '';
    const loaded = command.load({ file: join(ROOT, 'docker', mounted), env: service?.environment ?? {} });
    expect(loaded.warnings).toEqual([]);
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
  }
});
