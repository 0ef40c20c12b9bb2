import type { Held, Kind, Part, RowView } from './kinds.ts';
import { nameOf, type Wrong } from './operators.ts';

interface Signature {
  readonly takes: readonly ('text' | 'exact')[];
  /** How many of the last ones may be left out. */
  readonly optional?: number;
  /** The last one may come any number of times. */
  readonly repeats?: true;
  readonly gives: Kind;
  /** Never called with a NULL among the values: then the result is NULL. Characters are code points. */
  readonly call: (...values: never[]) => Held;
}

const characters = (text: string): string[] => Array.from(text);

/** As MySQL's: from 1, from the end when negative, nothing at 0. */
function substring(text: string, position: bigint, length: bigint = BigInt(text.length)): string {
  const all = characters(text);
  const start = position < 0n ? BigInt(all.length) + position : position - 1n;
  if (position === 0n || start < 0n || length <= 0n) return '';
  return all.slice(Number(start), Number(start + length)).join('');
}

const FUNCTIONS: Readonly<Record<string, Signature>> = {
  LOWER: { takes: ['text'], gives: 'text', call: (text: string) => text.toLowerCase() },
  UPPER: { takes: ['text'], gives: 'text', call: (text: string) => text.toUpperCase() },
  TRIM: { takes: ['text'], gives: 'text', call: (text: string) => text.replace(/^ +| +$/g, '') },
  CHAR_LENGTH: { takes: ['text'], gives: 'exact', call: (text: string) => BigInt(characters(text).length) },
  LEFT: { takes: ['text', 'exact'], gives: 'text', call: (text: string, n: bigint) => substring(text, 1n, n) },
  RIGHT: {
    takes: ['text', 'exact'],
    gives: 'text',
    call: (text: string, n: bigint) => (n <= 0n ? '' : characters(text).slice(-Number(n)).join('')),
  },
  SUBSTRING: { takes: ['text', 'exact', 'exact'], optional: 1, gives: 'text', call: substring },
  CONCAT: { takes: ['text'], repeats: true, gives: 'text', call: (...texts: string[]) => texts.join('') },
};

/** @throws what `wrong` makes, for a function that is not known or arguments that it does not take. */
export function call(name: string, args: readonly Part[], at: number, wrong: Wrong): Part {
  if (name === 'ABS') return absolute(args, at, wrong);
  if (name === 'COALESCE' || name === 'IFNULL') return firstKnown(args, at, wrong);
  const signature = FUNCTIONS[name];
  if (signature === undefined) {
    const known = [...Object.keys(FUNCTIONS), 'ABS', 'COALESCE'].join(', ');
    throw wrong(at, `there is no function ${name}; known are ${known}.`);
  }
  checkArguments(name, signature, args, at, wrong);
  const values = args.map((arg) => arg.value);
  const apply = signature.call as (...given: Held[]) => Held;
  const value = (row: RowView): Held => {
    const given: Held[] = [];
    for (const argument of values) {
      const held = argument(row);
      if (held === null) return null;
      given.push(held);
    }
    return apply(...given);
  };
  return { kind: signature.gives, scale: 0, value, at };
}

function checkArguments(
  name: string,
  { takes, optional = 0, repeats }: Signature,
  args: readonly Part[],
  at: number,
  wrong: Wrong,
): void {
  const most = repeats === true ? Number.POSITIVE_INFINITY : takes.length;
  if (args.length < takes.length - optional || args.length > most) {
    throw wrong(at, `${name} takes ${takes.join(', ')}${repeats === true ? ', …' : ''}.`);
  }
  args.forEach((arg, i) => {
    const wanted = takes[Math.min(i, takes.length - 1)];
    const fits = arg.kind === 'null' || (arg.kind === wanted && arg.scale === 0);
    if (!fits)
      throw wrong(arg.at, `${name} takes ${wanted === 'text' ? 'a text' : 'an integer'} here, not ${nameOf(arg)}.`);
  });
}

function absolute(args: readonly Part[], at: number, wrong: Wrong): Part {
  const [arg] = args;
  if (arg === undefined || args.length !== 1 || (arg.kind !== 'exact' && arg.kind !== 'float')) {
    throw wrong(at, 'ABS takes one number.');
  }
  const value = (row: RowView): Held => {
    const held = arg.value(row) as bigint | number | null;
    return held !== null && held < 0 ? -held : held;
  };
  return { ...arg, value, at };
}

function firstKnown(args: readonly Part[], at: number, wrong: Wrong): Part {
  const [first] = args;
  if (first === undefined) throw wrong(at, 'COALESCE takes values.');
  const other = args.find((arg) => arg.kind !== first.kind || arg.scale !== first.scale);
  if (other !== undefined)
    throw wrong(other.at, `COALESCE takes values of one type, not ${nameOf(first)} and ${nameOf(other)}.`);
  const value = (row: RowView): Held => {
    for (const arg of args) {
      const held = arg.value(row);
      if (held !== null) return held;
    }
    return null;
  };
  return { kind: first.kind, scale: first.scale, value, at };
}
