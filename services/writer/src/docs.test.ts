import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { command } from './index.ts';

test.each([
  ['transforms.md', 2],
  ['foreign-topics.md', 1],
  ['sinks/elasticsearch.md', 2],
])('the configurations that docs/%s shows are accepted', async (page, count) => {
  const text = await readFile(fileURLToPath(new URL(`../../../docs/${page}`, import.meta.url)), 'utf8');
  const shown = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml]) => yaml ?? '');
  expect(shown).toHaveLength(count);
  const folder = await mkdtemp(join(tmpdir(), 'tapline-docs-'));
  try {
    for (const yaml of shown) {
      const file = join(folder, 'writer.yaml');
      await writeFile(file, yaml);
      expect(
        command.load({ file, env: { MASK_SECRET: 'x', SEARCH_PASSWORD: 'x', SEARCH_CA: 'x' } }).value,
      ).toMatchObject({ name: expect.any(String) });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
