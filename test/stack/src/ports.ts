import { mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { TaplineError } from '@tapline/kernel';
import { withFileLock } from './lock.ts';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';

// Below Linux's default range for outgoing connections (32768-60999), so that no client socket can take a port between two
// starts of the same server.
const FIRST_PORT = 20_000;
const LAST_PORT = 31_999;

const claimFolder = (): string => join(tmpdir(), `tapline-ports-${userInfo().uid}`);

async function claimedByOther(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text === '') return false;
  return isAlive(JSON.parse(text) as ProcessIdentity);
}

async function canBind(port: number): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/**
 * Reserves `count` free ports of 127.0.0.1 for this process's lifetime or until released. A claim file beside the others makes
 * them safe against every other run of this user between reserving and binding, and while a server is down on purpose.
 */
export async function reservePorts(count: number): Promise<readonly number[]> {
  const folder = claimFolder();
  await mkdir(folder, { recursive: true });
  return await withFileLock(join(folder, 'lock'), async () => {
    const owner = JSON.stringify(identityOf(process.pid));
    const span = LAST_PORT - FIRST_PORT + 1;
    const offset = Math.floor(Math.random() * span);
    const ports: number[] = [];
    for (let step = 0; step < span && ports.length < count; step++) {
      const port = FIRST_PORT + ((offset + step) % span);
      const file = join(folder, String(port));
      if ((await claimedByOther(file)) || !(await canBind(port))) continue;
      await writeFile(file, owner);
      ports.push(port);
    }
    if (ports.length < count)
      throw new TaplineError('STACK_START_FAILED', {
        message: `No ${count} free ports between ${FIRST_PORT} and ${LAST_PORT}.`,
      });
    return ports;
  });
}

export async function releasePorts(ports: Iterable<number>): Promise<void> {
  for (const port of ports) await unlink(join(claimFolder(), String(port))).catch(() => undefined);
}
