import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parsePage } from './page.ts';
import { matches, walk } from './walkthrough.ts';

async function walked(...lines: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tapline-walk-'));
  try {
    await walk(parsePage('docs/x.md', lines.join('\n')), { folder, env: {}, ports: { 8400: 9 } });
    return await readFile(join(folder, 'out'), 'utf8');
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a page is done in its order, in one shell, with files, ports and repetitions', async () => {
  const page = [
    '```yaml reader',
    '# reader.yaml',
    'port: 8400',
    '```',
    '```sh run',
    'NAME=Ada; touch n',
    'cat reader.yaml',
    '```',
    '```text',
    '…port: 9',
    '```',
    '```sh until',
    'echo "$NAME" >> n; wc -l < n',
    '```',
    '```text',
    '3',
    '```',
    '```sh',
    'false # shown only',
    '```',
    '```sh run',
    'cp n out',
    '```',
  ];
  expect(await walked(...page)).toBe('Ada\nAda\nAda\n');
});

test('a page whose command fails, or prints something else, is refused', async () => {
  await expect(walked('```sh run', 'true', 'false', 'true', '```')).rejects.toThrow('A command failed');
  await expect(walked('```sh run', 'echo a', '```', '```text', 'b', '```')).rejects.toThrow('and the page shows');
});

test('what is shown may leave out pieces, not change their order', () => {
  expect(matches('a 1\nb 2\n', 'a …\nb 2')).toBe(true);
  expect(matches('a 1\nb 2\n', 'b …\na 1')).toBe(false);
  expect(matches('', '')).toBe(true);
});
