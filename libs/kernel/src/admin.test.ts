import { afterEach, expect, test } from '@jest/globals';
import { type AdminServer, openAdmin } from './admin.ts';
import { silentLogger } from './log.ts';
import { createMetrics } from './metrics.ts';

const verdicts = { healthy: true, ready: false };
let admin: AdminServer | undefined;

async function open(port = 0): Promise<AdminServer> {
  return openAdmin({
    host: '127.0.0.1',
    port,
    log: silentLogger,
    metrics: createMetrics('sample'),
    healthy: () => verdicts.healthy,
    ready: () => verdicts.ready,
    state: () => ({ state: 'running', password: 'hunter2', rows: 1n }),
    act: async ({ pathname }) => (pathname === '/do' ? { status: 202, body: { password: 'hunter2' } } : undefined),
  });
}

afterEach(async () => {
  await admin?.[Symbol.asyncDispose]();
  admin = undefined;
});

test('probes, metrics and state', async () => {
  admin = await open();
  const get = (path: string): Promise<Response> => fetch(`${admin?.url}${path}`);
  expect((await get('/healthz')).status).toBe(200);
  expect((await get('/readyz')).status).toBe(503);
  verdicts.ready = true;
  expect((await get('/readyz?x=1')).status).toBe(200);
  const metrics = await get('/metrics');
  expect(metrics.headers.get('content-type')).toContain('text/plain');
  expect(await metrics.text()).toContain('process_cpu_seconds_total');
  expect(await (await get('/state')).json()).toEqual({ state: 'running', password: '***', rows: '1' });
  expect((await get('/nothing')).status).toBe(404);
  expect((await fetch(`${admin.url}/healthz`, { method: 'POST' })).status).toBe(405);
});

test('what does something is a POST, and never from a page in a browser', async () => {
  admin = await open();
  const post = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${admin?.url}${path}`, { method: 'POST', headers });
  const done = await post('/do?x=1');
  expect([done.status, await done.json()]).toEqual([202, { password: '***' }]);
  expect((await post('/do', { origin: 'http://elsewhere' })).status).toBe(403);
  expect((await fetch(`${admin.url}/do`)).status).toBe(404);
  expect((await fetch(`${admin.url}/do`, { method: 'PUT' })).status).toBe(405);
});

test('a path that is none is refused, and the process lives', async () => {
  admin = await open();
  expect((await fetch(`${admin.url}//`)).status).toBe(400);
  expect((await fetch(`${admin.url}/healthz`)).status).toBe(200);
});

test('a taken port is refused with the address', async () => {
  admin = await open();
  await expect(open(admin.port)).rejects.toMatchObject({
    code: 'ADMIN_ADDRESS',
    place: { address: `127.0.0.1:${admin.port}` },
  });
});

test('disposing twice is fine, and an open connection does not hold it', async () => {
  admin = await open();
  await (await fetch(`${admin.url}/healthz`)).text();
  await admin[Symbol.asyncDispose]();
  await admin[Symbol.asyncDispose]();
  await expect(fetch(`${admin.url}/healthz`)).rejects.toThrow('fetch failed');
});
