import { TaplineError } from '@tapline/kernel';
import type { Change, Row, Value } from '@tapline/sink';
import { mapRows, type Transform } from './rows.ts';

export function including(names: readonly string[]): Transform {
  const columns = new Set(names);
  const keep = (row: Row): Row => {
    const kept: Record<string, Value> = {};
    for (const column in row) if (columns.has(column)) kept[column] = row[column] as Value;
    return kept;
  };
  return mapRows(keep, (absent) => absent.filter((name) => columns.has(name)));
}

export function excluding(names: readonly string[]): Transform {
  const columns = new Set(names);
  const keep = (row: Row): Row => {
    const kept: Record<string, Value> = {};
    for (const column in row) if (!columns.has(column)) kept[column] = row[column] as Value;
    return kept;
  };
  return mapRows(keep, (absent) => absent.filter((name) => !columns.has(name)));
}

export function renaming(names: Readonly<Record<string, string>>, path: string): Transform {
  const { map } = renamed(names, path);
  return mapRows(map, (absent) => absent.map((name) => names[name] ?? name));
}

/** Names of key columns: values stay, so that rows that were apart stay apart. */
export function renamingKey(names: Readonly<Record<string, string>>, path: string): Transform {
  const { map } = renamed(names, path);
  return (change) => (change.key === null ? change : { ...change, key: map(change.key) });
}

function renamed(given: Readonly<Record<string, string>>, path: string): { readonly map: (row: Row) => Row } {
  const names = new Map(Object.entries(given));
  const targets = new Set(names.values());
  if (targets.size !== names.size) {
    throw new TaplineError('CONFIG_INVALID', { message: `${path} gives two columns the same name.`, place: { path } });
  }
  return {
    map(row) {
      const result: Record<string, Value> = {};
      for (const column in row) {
        const name = names.get(column) ?? column;
        if (name === column && targets.has(column)) throw taken(column, path);
        result[name] = row[column] as Value;
      }
      return result;
    },
  };
}

function taken(column: string, path: string): TaplineError {
  return new TaplineError('CONFIG_INVALID', {
    message: `${path} gives a column the name ${column}, which another column of the row has.`,
    place: { path },
  });
}

/** A change that goes on only while its row is wanted: one that is not any more is deleted, which does no harm where it never was. */
export function keepingRows(holds: (change: Change) => boolean): Transform {
  return (change) => {
    if (change.after === null || holds(change)) return change;
    return { ...change, op: 'd', before: change.before ?? change.after, after: null };
  };
}
