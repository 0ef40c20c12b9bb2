import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const CLI = fileURLToPath(new URL('../../../services/cli/src/main.ts', import.meta.url));

test('the demo survives kills, restarts of its stores and the ALTER, and ends with every row equal in both', async () => {
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      CLI,
      'demo',
      '--sinks',
      'redis,mysql',
      '--duration',
      '8',
      '--rate',
      '200',
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  for (const service of ['reader', 'writer-redis', 'writer-mysql']) {
    expect(out).toMatch(new RegExp(`the ${service} is back \\(pid \\d+\\)`));
  }
  expect(out).toContain('ALTER TABLE shop.customers');
  for (const store of ['Redis', 'MySQL copy']) {
    expect(out).toContain(`${store} is back, with the same writer`);
    expect(out).toMatch(new RegExp(`compared \\d{4,} rows of MySQL with \\d{4,} of ${store}, .*: 0 differences`));
  }
});
