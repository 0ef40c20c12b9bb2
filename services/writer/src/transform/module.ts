import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TaplineError } from '@tapline/kernel';
import type { Change, Row } from '@tapline/sink';
import type { Transform } from './rows.ts';
import type { TransformStep } from './steps.ts';

/** What an app team writes where the steps do not reach. */
export interface TransformModule {
  /**
   * The change to write; null or undefined: it is not written. Called for each change in order of its partition, tombstones included (`row` of a
   * tombstone is nowhere: pass it on). It must be a pure function of the change: a replay calls it again. Not asynchronous. What it throws is
   * poison: the change stops the writer or goes to the dead letters, by `onError`, with the error's stack.
   */
  transform(change: Change): Change | null | undefined;
  /**
   * Says that `transform` gives other keys on purpose. Then every row must keep a key of its own, for its whole life: two rows under one key
   * overwrite each other, and a row whose new key changes stays under the old one. Without it a key that differs is refused.
   */
  readonly changesKeys?: boolean;
}

/** Types the default export of a transform module. */
export function defineTransform(module: TransformModule): TransformModule {
  return module;
}

export type Modules = ReadonlyMap<string, TransformModule>;

/** Loads what the steps name, once. @throws TaplineError TRANSFORM_MODULE. */
export async function loadModules(steps: readonly TransformStep[], folder: string): Promise<Modules> {
  const paths = steps
    .flatMap((step) => ('for' in step ? step.for.steps : [step]))
    .flatMap((step) => ('module' in step ? [step.module] : []));
  const modules = new Map<string, TransformModule>();
  for (const path of new Set(paths)) modules.set(path, await load(resolve(folder, path)));
  return modules;
}

async function load(path: string): Promise<TransformModule> {
  const refuse = (message: string, cause?: unknown): TaplineError =>
    new TaplineError('TRANSFORM_MODULE', { message, place: { path }, cause });
  await access(path).catch((cause: unknown) => {
    throw refuse('The transform module cannot be opened.', cause);
  });
  let loaded: { readonly default?: unknown };
  try {
    loaded = (await import(pathToFileURL(path).href)) as typeof loaded;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw refuse(`The transform module cannot be loaded: ${reason}.`, cause);
  }
  const module = loaded.default as Partial<TransformModule> | undefined;
  if (typeof module?.transform !== 'function')
    throw refuse('The module has no default export with a function transform.');
  return module as TransformModule;
}

export function calling(module: TransformModule, path: string): Transform {
  return (change) => {
    const result = call(module, change, path);
    if (result === null || result === undefined) return undefined;
    if (module.changesKeys !== true && !sameKey(change.key, result.key)) {
      throw broken(
        path,
        'gave the change another key, by which rows could overwrite each other; it must say changesKeys: true.',
      );
    }
    if (result.version !== change.version)
      throw broken(path, 'gave the change another version, by which the sink knows its order.');
    return result;
  };
}

function call(module: TransformModule, change: Change, path: string): Change | null | undefined {
  let result: unknown;
  try {
    result = module.transform(change);
  } catch (cause) {
    const stack = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    throw broken(path, `threw an error: ${stack}`, cause);
  }
  if (result === null || result === undefined) return undefined;
  if (isChange(result)) return result;
  throw broken(path, `gave ${result instanceof Promise ? 'a promise' : 'something'} that is no change.`);
}

function isChange(value: unknown): value is Change {
  return (
    typeof value === 'object' &&
    value !== null &&
    'op' in value &&
    'key' in value &&
    'after' in value &&
    'version' in value
  );
}

function broken(path: string, what: string, cause?: unknown): TaplineError {
  return new TaplineError('TRANSFORM_FAILED', { message: `The module of ${path} ${what}`, place: { path }, cause });
}

function sameKey(a: Row | null, b: Row | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => sameValue(a[name], b[name]));
}

function sameValue(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b;
}
