import { expect, test } from '@jest/globals';
import { LazyRegistry } from './lazy.ts';
import type { Registry } from './registry.ts';

class Opened implements Registry {
  disposed = 0;

  idFor(): Promise<number> {
    return Promise.reject(new Error('not asked'));
  }

  schema(id: number): Promise<string> {
    return Promise.resolve(`schema ${id}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed++;
  }
}

test('a registry is opened by the first schema asked for, once, and closed with its user', async () => {
  const opened: Opened[] = [];
  const lazy = new LazyRegistry(async () => {
    const registry = new Opened();
    opened.push(registry);
    return registry;
  });
  expect(opened).toHaveLength(0);
  expect(await Promise.all([lazy.schema(1), lazy.schema(2)])).toEqual(['schema 1', 'schema 2']);
  expect(opened).toHaveLength(1);
  await lazy[Symbol.asyncDispose]();
  expect(opened[0]?.disposed).toBe(1);
});

test('one that was never asked for is never opened', async () => {
  const lazy = new LazyRegistry(() => Promise.reject(new Error('opened')));
  await expect(lazy[Symbol.asyncDispose]()).resolves.toBeUndefined();
});

test('opening that fails is tried again by the next call', async () => {
  let attempts = 0;
  const lazy = new LazyRegistry(async () => {
    if (++attempts === 1) throw new Error('away');
    return new Opened();
  });
  await expect(lazy.schema(1)).rejects.toThrow('away');
  expect(await lazy.schema(1)).toBe('schema 1');
  await lazy[Symbol.asyncDispose]();
});
