import type { Column } from '@tapline/schema';
import type { Value } from '@tapline/sink';

/** Letters that collations equate with others and that have no decomposition in Unicode. */
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ł: 'l',
  þ: 'th',
  ı: 'i',
  ħ: 'h',
  ŧ: 't',
};

/**
 * A text that is the same for all values that the column's collation holds for equal. It may be the same for others too: changes then wait for each other
 * without need. So all that some collation ignores goes: case, accents, width, blanks, punctuation, controls.
 */
export function foldOf(column: Column): (value: Value) => string {
  const { collation } = column;
  const exact = collation === undefined || collation === 'binary';
  if (exact) return exactText;
  if (/_bin$/.test(collation)) return (value) => (typeof value === 'string' ? value.trimEnd() : exactText(value));
  return (value) => (typeof value === 'string' ? folded(value) : exactText(value));
}

function folded(text: string): string {
  if (/^[a-z0-9]*$/.test(text)) return text;
  const letters = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
  return letters.replace(/[ßæœøđðłþıħŧ]/g, (letter) => LETTERS[letter] ?? letter);
}

function exactText(value: Value): string {
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
  return String(value);
}
