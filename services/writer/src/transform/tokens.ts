export interface Token {
  readonly kind: 'word' | 'number' | 'text' | 'symbol' | 'end';
  /** As it was written. */
  readonly text: string;
  /** The content of a `text`. */
  readonly value: string;
  /** Where it begins, from 1. */
  readonly column: number;
}

const PATTERNS: readonly (readonly [Token['kind'] | 'blank', RegExp])[] = [
  ['blank', /\s+/y],
  ['word', /[\p{L}_][\p{L}\p{N}_$]*/uy],
  ['number', /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y],
  ['text', /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/suy],
  ['symbol', /==|!=|<=|>=|&&|\|\||[<>!()[\],.]/y],
];

/** Cuts an expression into tokens; `error` makes what is thrown at a character that begins none. */
export function tokenize(source: string, error: (message: string, column: number) => Error): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const found = match(source, at);
    if (found === undefined) throw error(complaint(source, at), at + 1);
    const [kind, text] = found;
    if (kind !== 'blank') {
      const value = kind === 'text' ? text.slice(1, -1).replace(/\\(.)/gsu, '$1') : '';
      tokens.push({ kind, text, value, column: at + 1 });
    }
    at += text.length;
  }
  tokens.push({ kind: 'end', text: 'the end', value: '', column: source.length + 1 });
  return tokens;
}

function match(source: string, at: number): readonly [Token['kind'] | 'blank', string] | undefined {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0];
    if (text !== undefined) return [kind, text];
  }
  return undefined;
}

function complaint(source: string, at: number): string {
  const character = source[at] ?? '';
  if (character === "'" || character === '"') return `the text that begins here has no closing ${character}`;
  if (character === '=') return 'a comparison is written ==';
  return `${character} cannot stand here`;
}
