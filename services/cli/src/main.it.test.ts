import { spawn } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { COMMANDS } from './commands.ts';

const LAUNCHER = fileURLToPath(new URL('../../../tapline', import.meta.url));

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function tapline(args: readonly string[], launcher = LAUNCHER): Promise<Ran> {
  // The packages are there, as this test runs; an install under it would pull them away.
  const env = { ...process.env, TAPLINE_NO_INSTALL: '1' };
  const child = spawn(launcher, args, { cwd: tmpdir(), env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
}

test('help lists every command, from any folder and through a symbolic link', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tapline-link-'));
  try {
    const link = join(folder, 'tl');
    await symlink(LAUNCHER, link);
    const { code, out } = await tapline(['help'], link);
    expect(code).toBe(0);
    for (const { name } of COMMANDS) expect(out).toContain(`  ${name} `);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('an unknown command or flag ends with code 2 and what was meant', async () => {
  const command = await tapline(['raeder']);
  expect(command).toMatchObject({ code: 2, out: '' });
  expect(command.err).toContain('Did you mean reader?');
  const flag = await tapline(['status', '--verions']);
  expect(flag).toMatchObject({ code: 2, out: '' });
  expect(flag.err).toContain('CONFIG_UNKNOWN_KEY');
  const value = await tapline(['demo', '--duration', 'long']);
  expect(value).toMatchObject({ code: 2, out: '' });
  expect(value.err).toContain('--duration');
});

test('every command loads and explains itself', async () => {
  for (const { name } of COMMANDS) {
    const { code, out } = await tapline([name, '--help']);
    expect([name, code]).toEqual([name, 0]);
    expect(out).toContain(`tapline ${name}`);
  }
});
