import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import type { Registry } from './registry.ts';

export interface RegistryContract {
  /** A further client of the same registry. */
  open(): Promise<Registry>;
}

const unique = (): string => `r${process.pid}_${randomBytes(6).toString('hex')}`;

const recordSchema = (name: string, fields: readonly object[] = [{ name: 'id', type: 'long' }]): string =>
  JSON.stringify({ type: 'record', name, fields });

/** What every kind of registry promises. */
export function registryContract(kind: string, contract: RegistryContract): void {
  test(`${kind}: a schema keeps its id, for the same client and for another`, async () => {
    await using first = await contract.open();
    await using second = await contract.open();
    const name = unique();
    const schema = recordSchema(name);
    const id = await first.idFor(`${name}-value`, schema);
    expect(id).toBeGreaterThan(0);
    expect(id).toBeLessThan(2 ** 31);
    expect(await first.idFor(`${name}-value`, schema)).toBe(id);
    expect(await second.idFor(`${name}-value`, schema)).toBe(id);
  });

  test(`${kind}: a client finds a schema registered after it was opened`, async () => {
    await using early = await contract.open();
    await using late = await contract.open();
    const name = unique();
    const id = await late.idFor(`${name}-key`, recordSchema(name));
    expect(JSON.parse(await early.schema(id))).toEqual(JSON.parse(recordSchema(name)));
    expect(JSON.parse(await late.schema(id))).toEqual(JSON.parse(recordSchema(name)));
  });

  test(`${kind}: different schemas have different ids`, async () => {
    await using registry = await contract.open();
    const name = unique();
    const one = await registry.idFor(`${name}-value`, recordSchema(name));
    const wider = recordSchema(name, [
      { name: 'id', type: 'long' },
      { name: 'note', type: ['null', 'string'], default: null },
    ]);
    const two = await registry.idFor(`${name}-value`, wider);
    expect(two).not.toBe(one);
    expect(JSON.parse(await registry.schema(one))).toEqual(JSON.parse(recordSchema(name)));
    expect(JSON.parse(await registry.schema(two))).toEqual(JSON.parse(wider));
  });

  test(`${kind}: clients that register the same schemas at once agree on the ids`, async () => {
    const registries = await Promise.all([0, 1, 2, 3].map(() => contract.open()));
    const names = [0, 1, 2].map(unique);
    const ids = await Promise.all(
      registries.map((registry) =>
        Promise.all(names.map((name) => registry.idFor(`${name}-value`, recordSchema(name)))),
      ),
    );
    for (const found of ids) expect(found).toEqual(ids[0]);
    await using fresh = await contract.open();
    for (const [i, name] of names.entries()) {
      expect(JSON.parse(await fresh.schema(ids[0]?.[i] as number))).toEqual(JSON.parse(recordSchema(name)));
    }
    for (const registry of registries) await registry[Symbol.asyncDispose]();
  });

  test(`${kind}: a hundred schemas registered at once by one client are all there afterwards`, async () => {
    await using registry = await contract.open();
    const names = Array.from({ length: 100 }, unique);
    const register = (name: string): Promise<number> => registry.idFor(`${name}-value`, recordSchema(name));
    const ids = await Promise.all(names.map(register));
    expect(new Set(ids).size).toBe(names.length);
    await using fresh = await contract.open();
    for (const [i, name] of names.entries()) {
      expect(JSON.parse(await fresh.schema(ids[i] as number))).toEqual(JSON.parse(recordSchema(name)));
    }
  });

  test(`${kind}: an id that was never given is an error with its number`, async () => {
    await using registry = await contract.open();
    await expect(registry.schema(2_000_000_000)).rejects.toMatchObject({
      code: 'REGISTRY_UNKNOWN_ID',
      message: expect.stringContaining('2000000000') as unknown,
    });
  });

  test(`${kind}: closing may be done twice`, async () => {
    const registry = await contract.open();
    await registry.idFor(`${unique()}-value`, recordSchema(unique()));
    await registry[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });
}
