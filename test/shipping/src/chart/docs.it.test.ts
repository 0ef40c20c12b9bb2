import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { manifestsOf, ROOT, renderText } from '../tools/chart.ts';
import { findHelm } from '../tools/helm.ts';

interface Values {
  readonly readers?: object;
  readonly writers?: object;
}

/** Every block of values that a page shows, by where it stands. */
const SHOWN = globSync(['*.md', 'docs/**/*.md', 'helm/**/*.md'], { cwd: ROOT }).flatMap((path) =>
  [...readFileSync(join(ROOT, path), 'utf8').matchAll(/^```yaml values\n(.*?)^```/gms)].map(
    ({ index, 1: text = '' }) => [`${path}, ${index}`, text] as const,
  ),
);

const helm = await findHelm();

(helm === undefined ? describe.skip : describe)('values that the docs show', () => {
  test('there are some', () => {
    expect(SHOWN.map(([place]) => place.split(',')[0])).toEqual(
      expect.arrayContaining(['docs/operations/kubernetes.md', 'helm/tapline/README.md']),
    );
  });

  test.each(SHOWN)('%s: the chart takes them, and makes a deployment of each entry', async (_place, text) => {
    const folder = await mkdtemp(join(tmpdir(), 'tapline-values-'));
    try {
      const file = join(folder, 'values.yaml');
      await writeFile(file, text);
      const manifests = manifestsOf(await renderText({ helm: helm ?? '', options: ['-f', file] }));
      const { readers = {}, writers = {} } = parse(text) as Values;
      const entries = [readers, writers].flatMap((group) => Object.keys(group));
      expect(entries.length).toBeGreaterThan(0);
      const deployed = manifests.filter(({ kind }) => kind === 'Deployment');
      expect(deployed.map(({ metadata }) => metadata.labels['tapline/name'] ?? '').toSorted()).toEqual(
        entries.toSorted(),
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
