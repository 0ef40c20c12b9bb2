import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { releasePorts, reservePorts } from '@tapline/test-stack';
import { readPages } from './page.ts';
import { Shell } from './shell.ts';
import { walk } from './walkthrough.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
/** As many as the pages name, from 8400 on. */
const ADMIN_PORTS = 3;

test.each(['docs/quick-start.md', 'docs/operations/failover.md'])(
  '%s works as it says, command by command',
  async (path) => {
    const page = readPages(ROOT).find((one) => one.path === path);
    expect(page).toBeDefined();
    if (page === undefined) return;
    const folder = await mkdtemp(join(tmpdir(), 'tapline-walk-'));
    const free = await reservePorts(ADMIN_PORTS);
    const env = { TAPLINE_NO_INSTALL: '1', TAPLINE_STATE: join(folder, '.tapline') };
    try {
      await mkdir(env.TAPLINE_STATE);
      // The page is read in a clone; its files and servers are kept apart from this one.
      await symlink(join(ROOT, 'tapline'), join(folder, 'tapline'));
      const ports = Object.fromEntries(free.map((port, index) => [8400 + index, port]));
      await walk(page, { folder, env, ports });
    } finally {
      await using shell = new Shell({ folder, env });
      await shell.run('./tapline down', 300_000);
      await releasePorts(free);
      // What was killed may still be closing its files.
      await rm(folder, { recursive: true, maxRetries: 10, retryDelay: 500 });
    }
  },
);
