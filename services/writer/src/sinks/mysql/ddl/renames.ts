import type { TableName } from '@tapline/schema';

export interface Rename {
  readonly from: TableName;
  readonly to: TableName;
}

/** What a chain of renames comes to: each table that is not where it was, and where it is. */
export function netRenames(renames: readonly Rename[]): Rename[] {
  const origins = new Map<string, Rename>();
  for (const { from, to } of renames) {
    const origin = origins.get(nameOf(from))?.from ?? from;
    origins.delete(nameOf(from));
    origins.set(nameOf(to), { from: origin, to });
  }
  return [...origins.values()].filter(({ from, to }) => nameOf(from) !== nameOf(to));
}

/** What a statement that renames does, seen from the tables that are captured. */
export interface Moves {
  /** Captured tables that have another name. */
  readonly renamed: readonly Rename[];
  /** Captured tables that another one, which is not captured, has taken the place of. */
  readonly replaced: readonly { readonly table: TableName; readonly by: TableName }[];
  /** Captured tables that are captured no more. */
  readonly gone: readonly TableName[];
}

export function movesOf(renames: readonly Rename[], isCaptured: (table: TableName) => boolean): Moves {
  const net = netRenames(renames);
  const comesTo = (table: TableName): Rename | undefined => net.find(({ to }) => nameOf(to) === nameOf(table));
  const leaves = (table: TableName): boolean => net.some(({ from }) => nameOf(from) === nameOf(table));
  return {
    renamed: net.filter(({ from, to }) => isCaptured(from) && isCaptured(to)),
    replaced: net
      .filter(({ from, to }) => !isCaptured(from) && isCaptured(to) && leaves(to))
      .map(({ from, to }) => ({ table: to, by: from })),
    gone: net
      .filter(({ from, to }) => isCaptured(from) && !isCaptured(to) && comesTo(from) === undefined)
      .map(({ from }) => from),
  };
}

export function nameOf({ database, name }: TableName): string {
  return `${database}\0${name}`;
}
