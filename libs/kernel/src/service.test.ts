import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { sleep } from './async.ts';

/** A whole service in a process of its own: signals, exit codes and what stdout and stderr get cannot be seen from inside. */
const SERVICE = `
import { endProcess, serviceCommand, sleep, TaplineError, whenAborted } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'index.ts')).href)};
const fields = {
  mode: { type: 'text', doc: 'What to do.' },
  password: { type: 'text', doc: 'Secret.', secret: true, optional: true },
};
const command = serviceCommand({
  name: 'sample',
  summary: 'A sample.',
  config: { name: 'sample', doc: 'A sample.', fields },
  async open({ config, log }) {
    log.info('opened with ' + config.password);
    let spoken = 0;
    return {
      state: () => ({ spoken }),
      async run(stop) {
        if (config.mode === 'fail') throw new TaplineError('SOURCE_UNREACHABLE', { message: 'no ' + config.password, place: { address: 'h:1' } });
        if (config.mode === 'stray') setTimeout(() => { throw new Error('stray'); });
        if (config.mode === 'unhandled') Promise.reject(new Error('unhandled'));
        if (config.mode === 'leak') setInterval(() => undefined, 1000);
        if (config.mode === 'warn') process.emitWarning('odd', 'OddWarning');
        while (config.mode === 'chatty' && !stop.aborted) {
          log.info('still here', { spoken: ++spoken });
          await sleep(10);
        }
        await whenAborted(stop);
        log.info('finishing');
        if (config.mode === 'stuck') await new Promise(() => setInterval(() => undefined, 1000));
      },
    };
  },
});
endProcess(await command.run(process.argv.slice(2)), 200);
`;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tapline-service-'));
  writeFileSync(join(folder, 'service.ts'), SERVICE);
});
const started = new Set<ChildProcess>();
afterEach(() => {
  for (const child of started) child.kill('SIGKILL');
  started.clear();
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Run {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  readonly code: Promise<number | null>;
  /** Resolves once stderr holds the text. */
  saw(text: string): Promise<void>;
}

function start(...args: string[]): Run {
  const child = spawn(process.execPath, [join(folder, 'service.ts'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  started.add(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  let isOver = false;
  const code = once(child, 'close').then(([status]) => {
    isOver = true;
    return status as number | null;
  });
  return {
    child,
    output,
    code,
    async saw(text): Promise<void> {
      while (!output.stderr.includes(text)) {
        if (isOver) throw new Error(`ended without ${text}: ${output.stderr}`);
        await Promise.race([once(child.stderr, 'data'), code]);
      }
    },
  };
}

function lines(text: string): Record<string, unknown>[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('SIGTERM drains, gives back, and exits with 0; stdout stays empty, stderr is JSON lines without secrets', async () => {
  const run = start('--mode', 'warn', '--password', 'hunter2');
  await run.saw('service running');
  run.child.kill('SIGTERM');
  expect(await run.code).toBe(0);
  expect(run.output.stdout).toBe('');
  expect(run.output.stderr).not.toContain('hunter2');
  const states = lines(run.output.stderr).flatMap(({ state }) => (state === undefined ? [] : [state]));
  expect(states).toEqual(['opening', 'running', 'draining', 'disposing', 'stopped']);
  expect(run.output.stderr).toContain('OddWarning');
});

test('an error is logged with code, place and remedy, and exits with 1', async () => {
  const run = start('--mode', 'fail', '--password', 'hunter2');
  expect(await run.code).toBe(1);
  const last = lines(run.output.stderr).at(-1);
  expect(last).toMatchObject({ error: { code: 'SOURCE_UNREACHABLE', message: 'no ***', place: { address: 'h:1' } } });
  expect(last).toHaveProperty('error.remedy', expect.stringMatching(/./));
});

test.each(['stray', 'unhandled'])('an error that nobody caught (%s) ends the service as failed', async (mode) => {
  const run = start('--mode', mode);
  expect(await run.code).toBe(1);
  expect(lines(run.output.stderr).at(-1)).toMatchObject({
    state: 'failed',
    error: { code: 'INTERNAL', message: mode },
  });
});

test('a log that nobody reads any more does not end the service', async () => {
  const run = start('--mode', 'chatty');
  await run.saw('service running');
  const url = /"url":"([^"]+)"/.exec(run.output.stderr)?.[1] ?? '';
  run.child.stderr?.destroy();
  const spoken = async (): Promise<number> => {
    const state = (await (await fetch(`${url}/state`)).json()) as { spoken: number };
    return state.spoken;
  };
  const before = await spoken();
  while ((await spoken()) < before + 3) await sleep(20);
  run.child.kill('SIGTERM');
  expect(await run.code).toBe(0);
});

test('a handle left open does not keep a stopped service', async () => {
  const run = start('--mode', 'leak');
  await run.saw('service running');
  run.child.kill('SIGINT');
  expect(await run.code).toBe(0);
});

test('the deadline ends a service that does not finish', async () => {
  const run = start('--mode', 'stuck', '--shutdown.drainMs', '50');
  await run.saw('service running');
  run.child.kill('SIGTERM');
  await run.saw('aborting');
  expect(await run.code).toBe(1);
  expect(lines(run.output.stderr).at(-1)).toMatchObject({ error: { code: 'SERVICE_ABORTED' } });
});

test('the command line: help and the effective configuration on stdout, a refusal on stderr with exit code 2', async () => {
  const [help, print, refused] = [
    start('--help'),
    start('--mode', 'x', '--password', 'hunter2', '--print-config'),
    start('--mod', 'x'),
  ];
  expect(await help.code).toBe(0);
  expect(help.output.stdout).toContain('--mode  (text; required)');
  expect(await print.code).toBe(0);
  expect(print.output.stdout).toContain('password: "***"');
  expect(print.output.stdout + print.output.stderr).not.toContain('hunter2');
  expect(await refused.code).toBe(2);
  expect(refused.output.stderr).toContain('did you mean --mode?');
});
