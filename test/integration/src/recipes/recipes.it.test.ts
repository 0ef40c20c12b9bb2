import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Service } from '../service.ts';
import type { Check } from './check.ts';
import { COLLECTION_CHECKS } from './collection-checks.ts';
import { FOREIGN_CHECKS } from './foreign-checks.ts';
import { REDIS_CHECKS } from './redis-checks.ts';
import { SEARCH_CHECKS } from './search-checks.ts';
import { CHANGES } from './shop.ts';
import { TABLE_CHECKS } from './table-checks.ts';
import { RECIPES, World } from './world.ts';

const CHECKS: Readonly<Record<string, Check>> = {
  ...REDIS_CHECKS,
  ...COLLECTION_CHECKS,
  ...SEARCH_CHECKS,
  ...TABLE_CHECKS,
  ...FOREIGN_CHECKS,
};
const names = globSync('*.yaml', { cwd: RECIPES })
  .map((file) => basename(file, '.yaml'))
  .toSorted();

let world: World;
let reader: Service;
let writers: Service;

/** Polls until the recipe's store holds what it must; what was still wrong at the deadline is the failure. */
async function holds(name: string): Promise<void> {
  let wrong: unknown;
  const right = async (): Promise<boolean> => {
    if ((await writers.output()).includes(`/${name}.yaml ended`)) throw new Error('its writer has ended');
    try {
      await CHECKS[name]?.expect(world);
      return true;
    } catch (error) {
      wrong = error;
      return false;
    }
  };
  await writers.until(`the store is as ${name} says`, right).catch((late: unknown) => {
    throw new Error(`${name}: ${String(wrong ?? late)}`, { cause: late });
  });
}

test('every recipe has a check, and every check a recipe', () => {
  expect(names.length).toBeGreaterThanOrEqual(20);
  expect(Object.keys(CHECKS).toSorted()).toEqual(names);
});

beforeAll(async () => {
  world = await World.open();
  reader = await world.reader();
  for (const name of names) await CHECKS[name]?.arrange?.(world);
  writers = await world.writers(names);
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

test.each(names)('%s: the store is as the rows are after the first load', (name) => holds(name));

test('rows change, and applications use what they find', async () => {
  for (const name of names) await CHECKS[name]?.use?.(world);
  await world.sql.run(...CHANGES);
});

test.each(names)('%s: the store is as the rows are after the changes', (name) => holds(name));

test('all of them stop as asked', async () => {
  expect(await writers.stop()).toBe(0);
  expect(await reader.stop()).toBe(0);
});
