import type { TableAction } from './alter-table.ts';
import { only } from './apply-alter.ts';
import { sameName, type TableState } from './table-state.ts';

/** Why nobody can say what becomes of the table by this ALTER TABLE, which the server has accepted; undefined: what `applyActions` says. */
export function unknowable(state: TableState, actions: readonly TableAction[]): string | undefined {
  const missing = missingColumn(state, actions);
  if (missing !== undefined) {
    return `A statement changes the column ${missing}, which the table does not have in the history of its schema.`;
  }
  const broken = brokenMembers(state, actions);
  if (broken === undefined) return undefined;
  return `CONVERT TO CHARACTER SET has changed the members of ${broken}: the server reads their bytes in the new character set.`;
}

/** A column that the statement takes for granted and the table does not have: it is not what it is taken for here. */
function missingColumn({ columns }: TableState, actions: readonly TableAction[]): string | undefined {
  const needed = actions.flatMap((action) => {
    if (action.kind === 'dropColumn') return action.ifExists ? [] : [action.name];
    if (action.kind === 'changeColumn' || action.kind === 'renameColumn') return action.ifExists ? [] : [action.from];
    return [];
  });
  return needed.find((name) => !HIDDEN.test(name) && !columns.some((column) => sameName(column.name, name)));
}

/** MySQL's column behind a key over an expression, which it lets people rename. */
const HIDDEN = /^!hidden!/;

/** Character sets in which ASCII is not itself. */
const WIDE = /^(?:ucs2|utf16|utf16le|utf32)$/;

/**
 * An ENUM or SET whose members do not survive CONVERT TO: servers keep the bytes of the members of a column that is not defined anew, and from then on
 * read them in the new character set. Nothing happens to ASCII where ASCII is itself.
 */
function brokenMembers(state: TableState, actions: readonly TableAction[]): string | undefined {
  const to = only(actions, 'convertText').at(-1)?.options.charset?.toLowerCase();
  if (to === undefined) return undefined;
  const isDefined = (name: string): boolean => only(actions, 'changeColumn').some(({ from }) => sameName(from, name));
  const broken = state.columns.find(({ name, charset, members }) => {
    if (members === undefined || charset === undefined || charset === to || isDefined(name)) return false;
    return WIDE.test(charset) || WIDE.test(to) || members.some((member) => /[\u0080-\uffff]/.test(member));
  });
  return broken?.name;
}
