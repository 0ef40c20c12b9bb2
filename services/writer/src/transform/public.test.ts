import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sampleChange, transformsOf } from './public.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tapline-transform-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function fileWith(transform: string): Promise<string> {
  const file = join(folder, 'writer.yaml');
  await writeFile(
    file,
    `name: w\nsource: {brokers: ["127.0.0.1:1"], topics: [shop.shop.orders]}\nsink: {type: redis}\ntransform:\n${transform}`,
  );
  return file;
}

test('the transforms of a file, with a TypeScript module beside it, run on changes of a test', async () => {
  await writeFile(
    join(folder, 'initials.ts'),
    `export default {
      transform(change: { after: Record<string, unknown> | null }) {
        return change.after === null ? change : { ...change, after: { ...change.after, initial: String(change.after['name']).slice(0, 1) } };
      },
    };\n`,
  );
  const transform = await transformsOf(await fileWith('  - module: ./initials.ts\n  - exclude: [name]\n'));
  expect(transform(sampleChange({ key: { id: 1n }, after: { id: 1n, name: 'Ann' } }))?.after).toEqual({
    id: 1n,
    initial: 'A',
  });
  expect(transform(sampleChange({ key: { id: 1n }, before: { id: 1n, name: 'Ann' } }))).toMatchObject({
    op: 'd',
    before: { id: 1n },
  });
});

test.each([
  ['  - module: ./gone.ts\n', 'cannot be opened'],
  ['  - module: ./broken.ts\n', 'cannot be loaded'],
  ['  - module: ./empty.ts\n', 'no default export'],
])('%s is refused', async (steps, message) => {
  await writeFile(join(folder, 'broken.ts'), 'export default {');
  await writeFile(join(folder, 'empty.ts'), 'export const transform = 1;');
  await expect(fileWith(steps).then((file) => transformsOf(file))).rejects.toMatchObject({
    code: 'TRANSFORM_MODULE',
    message: expect.stringContaining(message),
  });
});
