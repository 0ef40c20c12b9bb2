import type { Retried, ShownLetter } from '@tapline/writer';

/** One letter a block of three lines: name, what it is, why it is here. */
export function letterText(letter: ShownLetter): string {
  const { id, key, op, code, message, attempts, parkedAt, bytes } = letter;
  const what = `${op ?? '?'} ${key ?? 'without a key'}, ${bytes} bytes, parked ${parkedAt} after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return `${id}\n  ${what}\n  ${code}: ${message}\n`;
}

export function listText(letters: readonly ShownLetter[]): string {
  const count = `${letters.length} ${letters.length === 1 ? 'letter' : 'letters'}\n`;
  return letters.map(letterText).join('') + count;
}

export function retriedText({ id, outcome, error }: Retried): string {
  const reason = error === undefined ? '' : `: ${error.code}: ${error.message}`;
  return `${outcome.padEnd(10)} ${id}${reason}\n`;
}
