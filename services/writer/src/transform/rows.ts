import type { Change, Row, Value } from '@tapline/sink';

/** Gives the change to write, or undefined when it is not to be written. */
export type Transform = (change: Change) => Change | undefined;

export type Image = 'before' | 'after';

type MapNames = (names: readonly string[]) => readonly string[];

/** `mapNames` does to the names of absent columns what `map` does to a row. */
export function mapRows(map: (row: Row) => Row, mapNames: MapNames): Transform {
  return (change) => ({
    ...change,
    before: change.before === null ? null : map(change.before),
    after: change.after === null ? null : map(change.after),
    absent: change.absent === null ? null : absentOf(mapNames(change.absent.before), mapNames(change.absent.after)),
  });
}

/** A column's new value; undefined: it hangs on a column that the row does not carry, so that it is not known either. */
export type NewValue = (change: Change, row: Row, image: Image) => Value | undefined;

/** Sets columns in both rows. What cannot be known is absent in the result, never NULL. */
export function setColumns(columns: ReadonlyMap<string, NewValue>): Transform {
  const entries = [...columns];
  return (change) => {
    let { absent } = change;
    const image = (row: Row | null, name: Image): Row | null => {
      if (row === null) return null;
      const changed: Record<string, Value> = { ...row };
      for (const [column, valueOf] of entries) {
        const value = valueOf(change, row, name);
        if (value !== undefined) changed[column] = value;
        else delete changed[column];
        if (value === undefined || absent !== null) absent = withColumn(absent, name, column, value === undefined);
      }
      return changed;
    };
    const before = image(change.before, 'before');
    const after = image(change.after, 'after');
    return { ...change, before, after, absent };
  };
}

function withColumn(absent: Change['absent'], image: Image, column: string, isAbsent: boolean): Change['absent'] {
  const names = { before: absent?.before ?? [], after: absent?.after ?? [] };
  const others = names[image].filter((name) => name !== column);
  const own = isAbsent ? [...others, column] : others;
  return image === 'before' ? absentOf(own, names.after) : absentOf(names.before, own);
}

function absentOf(before: readonly string[], after: readonly string[]): Change['absent'] {
  return before.length + after.length === 0 ? null : { before, after };
}

export function isAbsent({ absent }: Change, image: Image, column: string): boolean {
  return absent?.[image].includes(column) ?? false;
}
