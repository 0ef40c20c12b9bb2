import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const CLI = fileURLToPath(new URL('../../../services/cli/src/main.ts', import.meta.url));

test('the demo survives both kills and the ALTER, and ends with every row equal', async () => {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', CLI, 'demo', '--duration', '8', '--rate', '200'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  for (const service of ['reader', 'writer']) expect(out).toMatch(new RegExp(`the ${service} is back \\(pid \\d+\\)`));
  expect(out).toContain('ALTER TABLE shop.customers');
  expect(out).toMatch(/compared \d{4,} rows of MySQL with \d{4,} keys of Redis: 0 differences/);
}, 400_000);
