import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { retry, silentLogger, sleep } from '@tapline/kernel';
import { type Change, change, NO_TABLES, neverAborted, type Row, type Sink } from '@tapline/sink';
import { openStack, type RedisSentinelGroup, type RedisServer, type Stack } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import { redisSink } from './index.ts';
import { redisConfig } from './testing/bench.ts';

const signal = neverAborted();
let stack: Stack;
let server: RedisServer;
let redis: Redis;
let folder: string;

beforeAll(async () => {
  stack = await openStack({});
  server = await stack.add('redis', true);
  redis = new Redis({ host: server.host, port: server.port });
  folder = mkdtempSync(join(tmpdir(), 'tapline-redis-tls-'));
});

afterAll(async () => {
  redis?.disconnect();
  await stack?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function openSink(given: Readonly<Record<string, unknown>>): Promise<Sink> {
  const config = redisConfig({ address: server.address.address, ...given });
  return redisSink.open(config, { name: 'modes', log: silentLogger, signal, tables: NO_TABLES });
}

async function put(sink: Sink, version: number, key: Row, row?: Row): Promise<string | undefined> {
  const { verdicts, errors } = await sink.apply([change(version, key, row)], signal);
  return errors.get(0)?.code ?? verdicts[0];
}

/** Gives the same change until it is applied, as the engine does. */
async function putPatiently(sink: Sink, version: number, key: Row, row: Row): Promise<void> {
  const end = performance.now() + 300_000;
  for (;;) {
    const outcome = await put(sink, version, key, row);
    if (outcome === 'applied' || outcome === 'stale') return;
    if (performance.now() > end) throw new Error(`not applied within a minute: ${outcome}`);
    await sleep(100);
  }
}

describe('lifetimes', () => {
  test('rows expire after ttlSeconds, counted from their last change, and their version outlives them', async () => {
    await using sink = await openSink({
      key: 'ttl:${key}',
      versionPrefix: 'ttl.v:',
      ttlSeconds: 100,
      deletedVersionSeconds: 1000,
    });
    await put(sink, 1, { id: 1 }, { id: 1, a: 'x' });
    expect(await redis.ttl('ttl:1')).toBeGreaterThan(90);
    expect(await redis.ttl('ttl.v:ttl:1')).toBeGreaterThan(1090);
    await redis.expire('ttl:1', 5);
    await put(sink, 2, { id: 1 }, { id: 1 });
    expect(await redis.ttl('ttl:1')).toBeGreaterThan(90);
    // As when its time is over.
    await redis.del('ttl:1');
    expect(await put(sink, 2, { id: 1 }, { id: 1 })).toBe('stale');
    expect(await redis.exists('ttl:1')).toBe(0);
  });

  test.each(['hash', 'json', 'string'])(
    'onDelete: expire leaves a deleted row (%s) for a while, and a new one stays',
    async (as) => {
      const place = `expire-${as}`;
      const value = as === 'string' ? { value: '${row.a}' } : {};
      await using sink = await openSink({
        as,
        ...value,
        key: `${place}:\${key}`,
        versionPrefix: `${place}.v:`,
        onDelete: 'expire',
        expireSeconds: 50,
      });
      await put(sink, 1, { id: 1 }, { id: 1, a: 'x' });
      expect(await redis.ttl(`${place}:1`)).toBe(-1);
      await put(sink, 2, { id: 1 });
      expect(await redis.ttl(`${place}:1`)).toBeGreaterThan(40);
      expect(await put(sink, 1, { id: 1 }, { id: 1, a: 'x' })).toBe('stale');
      expect(await put(sink, 3, { id: 1 }, { id: 1, a: 'y' })).toBe('applied');
      expect(await redis.ttl(`${place}:1`)).toBe(-1);
    },
  );

  test('deletedVersionSeconds: 0 leaves nothing of a deleted row', async () => {
    await using sink = await openSink({ key: 'bare:${key}', versionPrefix: 'bare.v:', deletedVersionSeconds: 0 });
    await put(sink, 1, { id: 1 }, { id: 1 });
    await put(sink, 2, { id: 1 });
    expect(await redis.keys('bare*')).toEqual([]);
  });
});

describe('how rows are written', () => {
  test('nullText stands for NULL, and absent columns stay absent', async () => {
    await using sink = await openSink({ key: 'nulls:${key}', nullText: '\\N', versionField: 'version' });
    await put(sink, 255, { id: 1 }, { id: 1, a: null });
    expect(await redis.hgetall('nulls:1')).toEqual({ version: '00000000000000ff', id: '1', a: '\\N' });
  });

  test('an update that carries some columns only changes those of the hash; NULL takes its field away', async () => {
    await using sink = await openSink({ key: 'parts:${key}' });
    const part = (version: number, after: Row, missing: readonly string[]): Change => ({
      ...change(version, { id: 1 }, after),
      absent: { before: [], after: missing },
    });
    await put(sink, 1, { id: 1 }, { id: 1, a: 'x', b: 'y', c: 'z' });
    const { verdicts } = await sink.apply(
      [part(2, { id: 1, a: 'new', b: null }, ['c']), part(1, { id: 1, c: 'old' }, ['a', 'b'])],
      signal,
    );
    expect(verdicts).toEqual(['applied', 'stale']);
    expect(await redis.hgetall('parts:1')).toEqual({ _v: '0000000000000002', id: '1', a: 'new', c: 'z' });
    // Whole rows go on as before, in the same call and after it.
    await sink.apply([part(3, { id: 1, b: 'back' }, ['a', 'c']), change(4, { id: 2 }, { id: 2, a: 'other' })], signal);
    expect(await redis.hgetall('parts:1')).toEqual({ _v: '0000000000000003', id: '1', a: 'new', b: 'back', c: 'z' });
    expect(await redis.hgetall('parts:2')).toEqual({ _v: '0000000000000004', id: '2', a: 'other' });
    // An insert is all of its row, also when it lacks columns.
    await sink.apply([{ ...part(5, { id: 1, a: 'anew' }, ['b', 'c']), op: 'c' }], signal);
    expect(await redis.hgetall('parts:1')).toEqual({ _v: '0000000000000005', id: '1', a: 'anew' });
  });

  test.each([
    ['json', {}],
    ['string', { value: '${row.a}' }],
  ])('as %s, a row that lacks columns is refused for good', async (as, rest) => {
    await using sink = await openSink({ as, key: `partial-${as}:\${key}`, ...rest });
    const one = { ...change(1, { id: 1 }, { id: 1, a: 'x' }), absent: { before: [], after: ['b'] } };
    const expected = { code: 'ROW_PARTIAL', disposition: 'fatal', message: expect.stringContaining('lacks b') };
    await expect(sink.apply([one], signal)).rejects.toMatchObject(expected);
    expect(await redis.exists(`partial-${as}:1`)).toBe(0);
  });

  test('a column with the name of the version field is refused for good', async () => {
    await using sink = await openSink({ key: 'clash:${key}' });
    await expect(put(sink, 1, { id: 1 }, { id: 1, _v: 'x' })).rejects.toMatchObject({
      code: 'SINK_KEY',
      disposition: 'fatal',
    });
  });

  test('another database is another place', async () => {
    await using sink = await openSink({ key: 'db:${key}', database: 3 });
    await put(sink, 1, { id: 1 }, { id: 1 });
    expect(await redis.exists('db:1')).toBe(0);
  });

  test('a server that forgets its scripts is told again', async () => {
    await using sink = await openSink({ key: 'script:${key}' });
    await put(sink, 1, { id: 1 }, { id: 1 });
    await redis.script('FLUSH');
    expect(await put(sink, 2, { id: 1 }, { id: 1 })).toBe('applied');
  });
});

describe('what Redis refuses', () => {
  test('no server: retryable, with the address', async () => {
    const [port = 0] = await stack.reserve(1);
    await expect(openSink({ address: `127.0.0.1:${port}` })).rejects.toMatchObject({
      code: 'SINK_REDIS_UNREACHABLE',
      disposition: 'retryable',
      place: { address: `127.0.0.1:${port}` },
    });
  });

  test('a wrong password and a missing one: fatal, and the password is not in the error', async () => {
    const guarded = await stack.add('redis', { requirepass: 'correct-horse' });
    const { address } = guarded.address;
    const wrong = openSink({ address, password: 'battery-staple' });
    await expect(wrong).rejects.toMatchObject({ code: 'SINK_REDIS_ACCESS', disposition: 'fatal' });
    await expect(wrong).rejects.not.toThrow(/battery/);
    await expect(openSink({ address })).rejects.toMatchObject({ code: 'SINK_REDIS_ACCESS' });
    await using sink = await openSink({ address, password: 'correct-horse' });
    expect(await put(sink, 1, { id: 1 }, { id: 1 })).toBe('applied');
  });

  test('an ACL user with the commands that the documentation names works, and one without is told so', async () => {
    const grant = [
      'resetkeys',
      '~acl:*',
      '~acl.v:*',
      '-@all',
      '+evalsha',
      '+eval',
      '+ping',
      '+info',
      '+hget',
      '+hset',
      '+hlen',
      '+get',
      '+set',
      '+ttl',
      '+del',
    ];
    await redis.call('ACL', 'SETUSER', 'writer', 'on', '>pw-of-writer', ...grant);
    const user = { username: 'writer', password: 'pw-of-writer', versionPrefix: 'acl.v:' };
    await using sink = await openSink({ ...user, key: 'acl:${key}' });
    expect(await put(sink, 1, { id: 1 }, { id: 1 })).toBe('applied');
    expect(await put(sink, 2, { id: 1 })).toBe('applied');
    await using elsewhere = await openSink({ ...user, key: 'other:${key}' });
    await expect(put(elsewhere, 1, { id: 1 }, { id: 1 })).rejects.toMatchObject({
      code: 'SINK_REDIS_ACCESS',
      disposition: 'fatal',
    });
    // Inside a script Redis 7 has no code word for it, but it stops the writer all the same.
    await redis.call('ACL', 'SETUSER', 'writer', '-hset');
    await expect(put(sink, 3, { id: 1 }, { id: 1 })).rejects.toMatchObject({ disposition: 'fatal' });
  });

  test('a full server: retryable as FULL; a replica: retryable as READ_ONLY', async () => {
    await using sink = await openSink({ key: 'full:${key}' });
    await redis.config('SET', 'maxmemory', '1');
    try {
      expect(await put(sink, 1, { id: 1 }, { id: 1 })).toBe('SINK_REDIS_FULL');
    } finally {
      await redis.config('SET', 'maxmemory', '0');
    }
    const replica = await stack.add('redis', { replicaof: `127.0.0.1 ${server.port}` });
    await using reading = await openSink({ address: replica.address.address, key: 'replica:${key}' });
    expect(await put(reading, 1, { id: 1 }, { id: 1 })).toBe('SINK_REDIS_READ_ONLY');
  });

  test('a server that is killed and comes back: retryable meanwhile, then applied', async () => {
    const mortal = await stack.add('redis', { appendonly: 'yes' });
    await using sink = await openSink({ address: mortal.address.address, key: 'mortal:${key}' });
    await putPatiently(sink, 1, { id: 1 }, { id: 1 });
    await mortal.kill();
    expect(await put(sink, 2, { id: 1 }, { id: 1 })).toBe('SINK_REDIS_UNREACHABLE');
    await mortal.start();
    await putPatiently(sink, 2, { id: 1 }, { id: 1, a: 'new' });
  });
});

describe('a server that is frozen', () => {
  test('is given up after timeoutMs, tried again, and has the row when it wakes up', async () => {
    const frozen = await stack.add('redis', true);
    const open = (): Promise<Sink> =>
      openSink({ address: frozen.address.address, key: 'frozen:${key}', timeoutMs: 500 });
    await using sink = await retry(open, { signal });
    await putPatiently(sink, 1, { id: 1 }, { id: 1 });
    frozen.pause();
    expect(await put(sink, 2, { id: 1 }, { id: 1 })).toBe('SINK_REDIS_UNREACHABLE');
    frozen.resume();
    await putPatiently(sink, 2, { id: 1 }, { id: 1, a: 'new' });
    const eyes = new Redis({ host: frozen.host, port: frozen.port });
    expect(await eyes.hget('frozen:1', '_v')).toBe('0000000000000002');
    eyes.disconnect();
  });
});

describe('sentinel', () => {
  test('rows go to the master that the sentinels name, and to the new one after a failover', async () => {
    const group: RedisSentinelGroup = await stack.add('redisSentinel', true);
    const { name, sentinels } = group.address;
    const address = sentinels.map((one) => one.address).join(',');
    await using sink = await openSink({ mode: 'sentinel', address, sentinel: { name }, key: 'sentinel:${key}' });
    await putPatiently(sink, 1, { id: 1 }, { id: 1, a: 'before' });
    const old = await group.master();
    await old.kill();
    await putPatiently(sink, 2, { id: 1 }, { id: 1, a: 'after' });
    const master = await group.master();
    expect(master.port).not.toBe(old.port);
    const eyes = new Redis({ host: master.host, port: master.port });
    expect(await eyes.hget('sentinel:1', 'a')).toBe('after');
    eyes.disconnect();
  });
});

describe('TLS', () => {
  test('with the authority’s certificate rows arrive; without it the connection is refused for good', async () => {
    const key = join(folder, 'key.pem');
    const cert = join(folder, 'cert.pem');
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject],
      { stdio: 'ignore' },
    );
    const [port = 0] = await stack.reserve(1);
    const secured = { 'tls-port': String(port), 'tls-cert-file': cert, 'tls-key-file': key, 'tls-auth-clients': 'no' };
    await stack.add('redis', secured);
    const address = `127.0.0.1:${port}`;
    await using sink = await openSink({ address, tls: { ca: readFileSync(cert, 'utf8') }, key: 'tls:${key}' });
    expect(await put(sink, 1, { id: 1 }, { id: 1 })).toBe('applied');
    await expect(openSink({ address, tls: {} })).rejects.toMatchObject({
      code: 'SINK_REDIS_TLS',
      disposition: 'fatal',
    });
  });
});
