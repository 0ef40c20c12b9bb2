import { TaplineError } from '@tapline/kernel';

/** A piece of an expression's text. `at` is the number of its first character, from 0. */
export interface Token {
  readonly kind: 'name' | 'word' | 'text' | 'bytes' | 'number' | 'sign' | 'end';
  /** Words in upper case; texts and names without their quotes; bytes in hex. */
  readonly text: string;
  readonly at: number;
}

/** Words that are never columns unless they stand in backquotes. */
const WORDS: ReadonlySet<string> = new Set([
  'AND',
  'OR',
  'NOT',
  'IN',
  'IS',
  'NULL',
  'LIKE',
  'BETWEEN',
  'TRUE',
  'FALSE',
]);

const FORMS: readonly (readonly [Token['kind'] | 'space', RegExp])[] = [
  ['space', /\s+/y],
  ['bytes', /[xX]'(?:[0-9a-fA-F]{2})*'/y],
  ['text', /'(?:[^']|'')*'/y],
  ['name', /`(?:[^`]|``)+`/y],
  ['number', /[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y],
  ['word', /[\p{L}_$][\p{L}\p{N}_$]*/uy],
  ['sign', /<=|>=|<>|!=|[=<>+\-*/%(),]/y],
];

/** What is wrong with an expression, and where. */
export function wrongAt(expression: string, at: number, message: string): TaplineError {
  const shown = expression.slice(at, at + 20);
  const where =
    shown === '' ? 'at its end' : `at character ${at + 1} (${shown}${at + 20 < expression.length ? '…' : ''})`;
  return new TaplineError('SHAPE_MISMATCH', {
    message: `The expression ${JSON.stringify(expression)} is wrong ${where}: ${message}`,
    remedy: 'Correct `where`; docs/operations.md says what it may hold.',
  });
}

/** @throws TaplineError SHAPE_MISMATCH for a character that begins nothing. */
export function tokensOf(expression: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < expression.length) {
    const token = tokenAt(expression, at);
    if (token === undefined) throw wrongAt(expression, at, 'nothing begins like this.');
    if (token.kind !== 'space') tokens.push({ kind: token.kind, text: plain(token.kind, token.text), at });
    at += token.text.length;
  }
  tokens.push({ kind: 'end', text: '', at });
  return tokens;
}

function tokenAt(expression: string, at: number): { kind: Token['kind'] | 'space'; text: string } | undefined {
  for (const [kind, form] of FORMS) {
    form.lastIndex = at;
    const text = form.exec(expression)?.[0];
    if (text !== undefined) return { kind: kind === 'word' && !WORDS.has(text.toUpperCase()) ? 'name' : kind, text };
  }
  return undefined;
}

function plain(kind: Token['kind'], text: string): string {
  if (kind === 'text') return text.slice(1, -1).replaceAll("''", "'");
  if (kind === 'bytes') return text.slice(2, -1);
  if (kind === 'name' && text.startsWith('`')) return text.slice(1, -1).replaceAll('``', '`');
  return kind === 'word' ? text.toUpperCase() : text;
}
