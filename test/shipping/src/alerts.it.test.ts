import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { command as reader } from '@tapline/reader';
import { runCommand } from '@tapline/test-stack';
import { command as writer } from '@tapline/writer';
import { parse, stringify } from 'yaml';
import { CHART, chartFile, manifestsOf, renderText, VALUES_FILES } from './tools/chart.ts';
import { findHelm } from './tools/helm.ts';
import { findPromtool } from './tools/promtool.ts';

const STORIES = fileURLToPath(new URL('../alerts/', import.meta.url));

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
}

interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

const [program, ...loader] = await findPromtool();
const helm = await findHelm();
const folder = await mkdtemp(join(tmpdir(), 'tapline-alerts-'));

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function promtool(...args: string[]): Promise<string> {
  return await runCommand(program, [...loader, ...args], { package: 'prometheus', cwd: folder });
}

function rulesOf(file: RuleFile): readonly Rule[] {
  return file.groups.flatMap(({ rules }) => rules);
}

const shipped = rulesOf(parse(chartFile('rules/alerts.yaml')) as RuleFile);

test('the alerts are rules of Prometheus', async () => {
  const said = await promtool('check', 'rules', join(CHART, 'rules/alerts.yaml'));
  expect(said).toContain(`SUCCESS: ${shipped.length} rules found`);
});

test('each alert has a story in which it fires, and one in which it does not', async () => {
  await copyFile(join(CHART, 'rules/alerts.yaml'), join(folder, 'alerts.yaml'));
  const names = await readdir(STORIES);
  for (const name of names) await copyFile(join(STORIES, name), join(folder, name));
  await promtool('test', 'rules', ...names);

  const stories = (await Promise.all(names.map((name) => readFile(join(STORIES, name), 'utf8')))).join('\n');
  const fires = [...stories.matchAll(/alertname: (\w+)\s+exp_alerts/g)].map(([, alert = '']) => alert);
  expect(fires.toSorted()).toEqual(shipped.map(({ alert }) => alert).toSorted());
});

test('each alert looks at a metric that there is', () => {
  const tables = [...reader.metrics, ...writer.metrics].flatMap((table) => Object.values(table));
  const known = tables.map(({ name }) => name);
  for (const { alert, expr } of shipped) {
    const [metric] = /tapline_(?:reader|writer)_\w+/.exec(expr) ?? [];
    expect([alert, known.includes(metric ?? '')]).toEqual([alert, true]);
  }
});

const whereRendered = helm === undefined ? test.skip : test;

whereRendered(
  'the chart makes the same rules of them, with its changes, and one for each entry that is gone',
  async () => {
    const text = await renderText({ helm: helm ?? '', options: ['-f', VALUES_FILES.get('everything') ?? ''] });
    const [found] = manifestsOf(text).filter(({ kind }) => kind === 'PrometheusRule');
    const spec = found?.spec as unknown as RuleFile;
    await writeFile(join(folder, 'rendered.yaml'), stringify(spec));
    await promtool('check', 'rules', 'rendered.yaml');

    const made = new Map(rulesOf(spec).map((rule) => [rule.alert, rule]));
    const changed = ['TaplineReaderLag', 'TaplineReaderXaUndecided'];
    for (const rule of shipped) if (!changed.includes(rule.alert)) expect(made.get(rule.alert)).toEqual(rule);
    expect(made.get('TaplineReaderLag')).toMatchObject({
      expr: 'tapline_reader_lag_seconds > 900',
      for: '10m',
      labels: { severity: 'info' },
    });
    expect(made.has('TaplineReaderXaUndecided')).toBe(false);
    expect(made.get('TaplineReaderAbsent')?.expr).toBe(
      'absent(tapline_reader_leader{namespace="data",tapline_name="shop"})',
    );
    expect(made.get('TaplineWriterAbsent')?.expr).toContain('tapline_name="orders"');
  },
);
