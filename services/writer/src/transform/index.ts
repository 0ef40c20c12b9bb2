import { createHash, createHmac } from 'node:crypto';
import { TaplineError } from '@tapline/kernel';
import type { Change, Row, Value } from '@tapline/sink';
import { compileExpression } from './expression.ts';

/** One step as it is configured: exactly one of the keys. */
export type TransformStep =
  | { readonly include: readonly string[] }
  | { readonly exclude: readonly string[] }
  | { readonly rename: Readonly<Record<string, string>> }
  | { readonly mask: Readonly<Record<string, MaskKind>> }
  | { readonly filter: string };

export type MaskKind = 'hash' | 'fixed' | 'null';

/** Gives the change to write, or undefined when it is not to be written. A tombstone passes every step but filters on `op` and `key`. */
export type Transform = (change: Change) => Change | undefined;

const FIXED = '***';

/**
 * Compiles the steps, in their order. Steps change rows (`before`, `after`); keys keep their names, so that key templates mean the table's key columns.
 *
 * @param secret what `hash` is keyed with: without it, whoever knows a value finds it again.
 * @throws TaplineError CONFIG_INVALID.
 */
export function compileTransforms(steps: readonly TransformStep[], secret: string): Transform {
  const compiled = steps.map((step, index) => compileStep(step, `transform[${index}]`, secret));
  const [only] = compiled;
  if (only === undefined) return (change) => change;
  if (compiled.length === 1) return only;
  return (change) => {
    let current: Change | undefined = change;
    for (const step of compiled) {
      current = step(current);
      if (current === undefined) return undefined;
    }
    return current;
  };
}

function compileStep(step: TransformStep, path: string, secret: string): Transform {
  if ('include' in step) {
    const columns = new Set(step.include);
    return rows(including(columns), (names) => names.filter((name) => columns.has(name)));
  }
  if ('exclude' in step) {
    const columns = new Set(step.exclude);
    return rows(excluding(columns), (names) => names.filter((name) => !columns.has(name)));
  }
  if ('rename' in step) {
    const columns = new Map(Object.entries(step.rename));
    return rows(renaming(columns, path), (names) => names.map((name) => columns.get(name) ?? name));
  }
  if ('mask' in step) return masking(new Map(Object.entries(step.mask)), path, secret);
  const keep = compileExpression(step.filter, `${path}.filter`);
  return (change) => (keep(change) ? change : undefined);
}

type MapNames = (names: readonly string[]) => readonly string[];

/** `mapNames` does to the names of absent columns what `map` does to a row. */
function rows(map: (row: Row) => Row, mapNames: MapNames): Transform {
  return (change) => ({
    ...change,
    before: change.before === null ? null : map(change.before),
    after: change.after === null ? null : map(change.after),
    absent: change.absent === null ? null : mapAbsent(change.absent, mapNames),
  });
}

function mapAbsent(absent: NonNullable<Change['absent']>, mapNames: MapNames): Change['absent'] {
  const [before, after] = [mapNames(absent.before), mapNames(absent.after)];
  return before.length + after.length === 0 ? null : { before, after };
}

function including(columns: ReadonlySet<string>): (row: Row) => Row {
  return (row) => {
    const kept: Record<string, Value> = {};
    for (const column in row) if (columns.has(column)) kept[column] = row[column] as Value;
    return kept;
  };
}

function excluding(columns: ReadonlySet<string>): (row: Row) => Row {
  return (row) => {
    const kept: Record<string, Value> = {};
    for (const column in row) if (!columns.has(column)) kept[column] = row[column] as Value;
    return kept;
  };
}

function renaming(names: ReadonlyMap<string, string>, path: string): (row: Row) => Row {
  const targets = new Set(names.values());
  if (targets.size !== names.size) {
    throw new TaplineError('CONFIG_INVALID', {
      message: `${path}.rename gives two columns the same name.`,
      place: { path },
    });
  }
  return (row) => {
    const renamed: Record<string, Value> = {};
    for (const column in row) {
      const name = names.get(column) ?? column;
      if (name === column && targets.has(column)) throw taken(column, path);
      renamed[name] = row[column] as Value;
    }
    return renamed;
  };
}

function taken(column: string, path: string): TaplineError {
  return new TaplineError('CONFIG_INVALID', {
    message: `${path}.rename gives a column the name ${column}, which another column of the row has.`,
    place: { path },
  });
}

/** Masked columns are masked in the key too, where only `hash` keeps rows apart. */
function masking(kinds: ReadonlyMap<string, MaskKind>, path: string, secret: string): Transform {
  const mask = (row: Row, inKey: boolean): Row => {
    let masked: Record<string, Value> | undefined;
    for (const [column, kind] of kinds) {
      const value = row[column];
      if (value === undefined || value === null) continue;
      if (inKey && kind !== 'hash') throw keyMask(column, kind, path);
      masked ??= { ...row };
      masked[column] = kind === 'hash' ? hashOf(value, secret) : kind === 'fixed' ? FIXED : null;
    }
    return masked ?? row;
  };
  return (change) => ({
    ...change,
    key: change.key === null ? null : mask(change.key, true),
    before: change.before === null ? null : mask(change.before, false),
    after: change.after === null ? null : mask(change.after, false),
  });
}

function keyMask(column: string, kind: MaskKind, path: string): TaplineError {
  return new TaplineError('CONFIG_INVALID', {
    message: `${path}.mask makes the key column ${column} ${kind}, so that different rows would meet in one.`,
    remedy: 'Mask key columns with hash.',
    place: { path },
  });
}

/** SHA-256 in hexadecimal digits of the value's text (bytes as they are). */
function hashOf(value: NonNullable<Value>, secret: string): string {
  const hash = secret === '' ? createHash('sha256') : createHmac('sha256', secret);
  return hash.update(value instanceof Uint8Array ? value : String(value)).digest('hex');
}
