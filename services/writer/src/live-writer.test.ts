import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  createMetrics,
  type RunningService,
  type ServiceContext,
  silentLogger,
  sleep,
  whenAborted,
} from '@tapline/kernel';
import type { WriterConfig } from './config.ts';
import { openLiveWriter } from './live-writer.ts';

/** What happened to the writers of each configuration, which is told apart by its group. */
let story: string[];
let folder: string;
let file: string;
let wanted: string;
/** Configurations that cannot be opened. */
let broken: string[];
let stop: AbortController;

const configOf = (name: string): WriterConfig => ({ name, sink: { type: 'redis' } }) as unknown as WriterConfig;

beforeEach(async () => {
  [story, broken, wanted, stop] = [[], [], 'a', new AbortController()];
  folder = await mkdtemp(join(tmpdir(), 'tapline-live-'));
  file = join(folder, 'writer.yaml');
  await writeFile(file, 'a');
});
afterEach(async () => {
  stop.abort();
  await rm(folder, { recursive: true });
});

async function change(name: string): Promise<void> {
  wanted = name;
  await writeFile(file, name);
  process.emit('SIGHUP');
}

async function open({ config: { name } }: ServiceContext<WriterConfig>, signal: AbortSignal): Promise<RunningService> {
  story.push(`open ${name}`);
  if (broken.includes(name)) throw new Error(`${name} is broken`);
  if (name === 'waits') await whenAborted(signal).then(() => Promise.reject(new Error('given up')));
  return {
    async run(stopped) {
      await whenAborted(stopped);
      story.push(`stop ${name}`);
      if (name === 'stands') throw new Error('poison');
    },
    state: () => ({ name }),
    async [Symbol.asyncDispose]() {
      story.push(`dispose ${name}`);
    },
  };
}

async function until(entry: string): Promise<void> {
  for (const end = performance.now() + 100_000; !story.includes(entry); await sleep(10)) {
    if (performance.now() > end) throw new Error(`no ${entry}: ${story.join(', ')}`);
  }
}

/** Runs until `act` is through, then stops. */
async function following(act: (writer: RunningService) => Promise<void>): Promise<void> {
  const load = (): WriterConfig => {
    if (wanted === 'wrong') throw new Error('no such key');
    return configOf(wanted);
  };
  const metrics = createMetrics('writer');
  const context = { config: configOf(wanted), origin: { file, load }, log: silentLogger, metrics };
  const writer = await openLiveWriter(context, stop.signal, open);
  const running = writer.run(stop.signal, new AbortController().signal);
  await act(writer);
  stop.abort();
  await running;
  await writer[Symbol.asyncDispose]?.();
}

describe('a writer whose configuration file changes', () => {
  test('finishes what it has before the next one is opened, and a file that says the same changes nothing', async () => {
    await following(async (writer) => {
      await change('b');
      await until('open b');
      process.emit('SIGHUP');
      await sleep(50);
      expect(writer.state?.()).toEqual({ name: 'b' });
    });
    expect(story).toEqual(['open a', 'stop a', 'dispose a', 'open b', 'stop b', 'dispose b']);
  });

  test('goes on as it is when the file is wrong, and with the one before when the new one cannot be opened', async () => {
    broken = ['b'];
    await following(async () => {
      await change('wrong');
      await sleep(50);
      expect(story).toEqual(['open a']);
      await change('b');
      await until('open b');
    });
    expect(story).toEqual(['open a', 'stop a', 'dispose a', 'open b', 'open a', 'stop a', 'dispose a']);
  });

  test('takes a newer configuration while one is still being opened, and one that mends what it stands at', async () => {
    wanted = 'stands';
    await following(async () => {
      await change('waits');
      await until('open waits');
      await change('c');
      await until('open c');
    });
    const expected = ['open stands', 'stop stands', 'dispose stands', 'open waits', 'open c', 'stop c', 'dispose c'];
    expect(story).toEqual(expected);
  });
});
