import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { silentLogger, sleep, TaplineError } from '@tapline/kernel';
import type { ReaderConfig } from '../config.ts';
import { LiveConfig, merged } from './live-config.ts';

const config = {
  name: 'shop',
  source: { host: 'db', include: ['shop.*'], exclude: [], ghostTables: 'skip' },
  keys: {},
  shape: { rules: [] },
  snapshot: { mode: 'initial' },
  kafka: { brokers: ['k:9092'] },
} as unknown as ReaderConfig;

test('what may change while the reader runs is taken over, the rest is named', () => {
  const source = { ...config.source, include: ['shop.*', 'crm.*'], host: 'other' };
  const { next, changed, restart } = merged(config, { ...config, source, keys: { 'crm.log': 'append' }, name: 'x' });
  expect(changed).toEqual(['source.include', 'keys']);
  expect(restart).toEqual(['name', 'source']);
  expect(next).toEqual({
    ...config,
    source: { ...config.source, include: source.include },
    keys: { 'crm.log': 'append' },
  });
});

test('nothing differs', () => {
  expect(merged(config, structuredClone(config))).toEqual({ next: config, changed: [], restart: [] });
});

async function fileOf(text: string): Promise<AsyncDisposable & { readonly file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'live-config-'));
  const file = join(folder, 'reader.yaml');
  await writeFile(file, text);
  return { file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

const including = (text: string): ReaderConfig => ({ ...config, source: { ...config.source, include: [text] } });

test('what the file has is taken over, also when it was changed before anybody looked', async () => {
  await using made = await fileOf('x');
  const live = new LiveConfig(config, { file: made.file, load: () => including('new.*') }, silentLogger, 5);
  const over = new AbortController();
  const watching = live.watch(async () => true, over.signal);
  while (live.current.source.include.join() !== 'new.*') await sleep(5);
  over.abort();
  await watching;
});

test('a change that cannot be checked now is taken over once it can; one that is unfit is told and left', async () => {
  await using made = await fileOf('a');
  const { file } = made;
  let wanted = config;
  const live = new LiveConfig(config, { file, load: () => wanted }, silentLogger, 5);
  const tried: string[] = [];
  const failures = ['SOURCE_UNREACHABLE', 'SCHEMA_NO_KEY'] as const;
  const over = new AbortController();
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await sleep(5);
  };
  const change = async (text: string): Promise<void> => {
    wanted = including(text);
    // At once: whoever looks in the middle of writing would see two changes.
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  const watching = live.watch(async (next) => {
    tried.push(next.source.include.join());
    const code = failures[tried.length - 1];
    if (code !== undefined) throw new TaplineError(code, { message: 'x' });
    return true;
  }, over.signal);
  await change('b.*');
  await until(() => tried.length === 2);
  await sleep(50);
  expect(tried).toEqual(['b.*', 'b.*']);
  await change('c.*');
  await until(() => live.current.source.include.join() === 'c.*');
  over.abort();
  await watching;
  expect(tried).toEqual(['b.*', 'b.*', 'c.*']);
});
