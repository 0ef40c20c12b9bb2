import { type Held, type Kind, momentOf, type Part, type RowView, timeMicros } from './kinds.ts';

/** Something is wrong with the part that stands at this place. */
export type Wrong = (at: number, message: string) => Error;

export function constant(kind: Kind, value: Held, at: number, scale = 0): Part {
  return { kind, scale, value: () => value, at };
}

/** The same value with this many decimals, which are not fewer than it has. */
function scaled({ value, scale }: Part, wanted: number): Part['value'] {
  if (scale === wanted) return value;
  const factor = 10n ** BigInt(wanted - scale);
  return (row) => {
    const held = value(row);
    return held === null ? null : (held as bigint) * factor;
  };
}

function asFloat(part: Part): Part['value'] {
  if (part.kind === 'float') return part.value;
  const divisor = 10 ** part.scale;
  return (row) => {
    const held = part.value(row);
    return held === null ? null : Number(held) / divisor;
  };
}

const isNumber = ({ kind }: Part): boolean => kind === 'exact' || kind === 'float';

/** Both sides in one form, so that their values compare. Literals become what the other side is. */
function alike(left: Part, right: Part, wrong: Wrong): [Part['value'], Part['value'], Kind] {
  if (left.kind === 'null' || right.kind === 'null') return [left.value, right.value, 'null'];
  if (left.kind === 'exact' && right.kind === 'exact') {
    const scale = Math.max(left.scale, right.scale);
    return [scaled(left, scale), scaled(right, scale), 'exact'];
  }
  if (isNumber(left) && isNumber(right)) return [asFloat(left), asFloat(right), 'float'];
  const ofLeft = literalAs(left, right, wrong);
  const ofRight = literalAs(right, left, wrong);
  const same = ofLeft.kind === ofRight.kind && ofLeft.kind !== 'opaque';
  if (!same) throw wrong(right.at, `${nameOf(right)} does not compare with ${nameOf(left)}.`);
  return [ofLeft.value, ofRight.value, ofLeft.kind];
}

/** What a text in quotes means beside a part of another kind. */
function literalAs(part: Part, other: Part, wrong: Wrong): Part {
  const { literal, at } = part;
  if (literal === undefined || other.kind === 'text') return part;
  const held = LITERALS[other.kind]?.(literal);
  if (held === undefined) throw wrong(at, `'${literal}' is not ${nameOf(other)}.`);
  return constant(other.kind, held, at);
}

const LITERALS: Partial<Record<Kind, (text: string) => Held | undefined>> = {
  datetime: momentOf,
  timestamp: momentOf,
  time: timeMicros,
  bytes: (text) => Buffer.from(text).toString('latin1'),
};

const NAMES: Readonly<Record<Kind, string>> = {
  exact: 'a number',
  float: 'a floating-point number',
  text: 'a text',
  bytes: 'a binary string',
  datetime: 'a date (2026-02-28 or 2026-02-28 23:59:59)',
  timestamp: 'a timestamp (2026-02-28 23:59:59, in UTC)',
  time: 'a time (23:59:59)',
  truth: 'a condition',
  opaque: 'a value of a type that is only NULL or not',
  null: 'NULL',
};

export function nameOf({ kind }: Part): string {
  return NAMES[kind];
}

const TESTS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

export function comparison(sign: string, left: Part, right: Part, wrong: Wrong): Part {
  const [leftValue, rightValue, kind] = alike(left, right, wrong);
  const test = TESTS[sign] as (order: number) => boolean;
  const order = kind === 'text' ? orderOfTexts : orderOf;
  const value = (row: RowView): Held => {
    const a = leftValue(row);
    if (a === null) return null;
    const b = rightValue(row);
    return b === null ? null : test(order(a, b));
  };
  return { kind: 'truth', scale: 0, value, at: left.at };
}

function orderOf(a: NonNullable<Held>, b: NonNullable<Held>): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** By code points: JavaScript compares UTF-16, which has another order beyond the basic plane. */
function orderOfTexts(a: NonNullable<Held>, b: NonNullable<Held>): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a as string), Buffer.from(b as string));
}

export function arithmetic(sign: string, left: Part, right: Part, wrong: Wrong): Part {
  for (const side of [left, right]) {
    if (!isNumber(side) && side.kind !== 'null') throw wrong(side.at, `${sign} takes numbers, not ${nameOf(side)}.`);
  }
  const { at } = left;
  if (left.kind === 'exact' && right.kind === 'exact' && sign !== '/') {
    const scale = sign === '*' ? left.scale + right.scale : Math.max(left.scale, right.scale);
    const [a, b] = sign === '*' ? [left.value, right.value] : [scaled(left, scale), scaled(right, scale)];
    return { kind: 'exact', scale, value: both(a, b, EXACT[sign] as Calculate), at };
  }
  return { kind: 'float', scale: 0, value: both(asFloat(left), asFloat(right), FLOAT[sign] as Calculate), at };
}

type Calculate = (a: never, b: never) => Held;

/** As in SQL, what is divided by zero is NULL. */
const EXACT: Readonly<Record<string, Calculate>> = {
  '+': (a: bigint, b: bigint) => a + b,
  '-': (a: bigint, b: bigint) => a - b,
  '*': (a: bigint, b: bigint) => a * b,
  '%': (a: bigint, b: bigint) => (b === 0n ? null : a % b),
};
const FLOAT: Readonly<Record<string, Calculate>> = {
  '+': (a: number, b: number) => a + b,
  '-': (a: number, b: number) => a - b,
  '*': (a: number, b: number) => a * b,
  '/': (a: number, b: number) => (b === 0 ? null : a / b),
  '%': (a: number, b: number) => (b === 0 ? null : a % b),
};

function both(left: Part['value'], right: Part['value'], calculate: Calculate): Part['value'] {
  return (row) => {
    const a = left(row);
    if (a === null) return null;
    const b = right(row);
    return b === null ? null : calculate(a as never, b as never);
  };
}

/** A part as a condition: a number is true unless it is zero. */
export function condition(part: Part, wrong: Wrong): Part['value'] {
  const { kind, value, at } = part;
  if (kind === 'truth' || kind === 'null') return value;
  if (!isNumber(part)) throw wrong(at, `a condition is expected here, not ${nameOf(part)}.`);
  return (row) => {
    const held = value(row);
    return held === null ? null : Boolean(held);
  };
}

/** SQL's three values: NULL is not known. */
export function conjunction(left: Part['value'], right: Part['value'], absorbing: boolean): Part['value'] {
  return (row) => {
    const a = left(row);
    if (a === absorbing) return absorbing;
    const b = right(row);
    if (b === absorbing) return absorbing;
    return a === null || b === null ? null : !absorbing;
  };
}

/** `%` is any run of characters, `_` any one, `\` takes the next one as it is. Goes back to the last `%` only, so that no pattern takes forever. */
export function likeTest(pattern: string): (text: string) => boolean {
  const pieces: { readonly any?: true; readonly one?: string }[] = [];
  const characters = Array.from(pattern);
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] as string;
    if (character === '%') pieces.push({ any: true });
    else if (character === '_') pieces.push({});
    else pieces.push({ one: character === '\\' ? (characters[++i] ?? '\\') : character });
  }
  return (text) => {
    const given = Array.from(text);
    let [at, piece, star, resume] = [0, 0, -1, 0];
    while (at < given.length) {
      const wanted = pieces[piece];
      if (wanted?.any === true) {
        [star, resume] = [piece++, at];
      } else if (wanted !== undefined && (wanted.one === undefined || wanted.one === given[at])) {
        at++;
        piece++;
      } else if (star >= 0) {
        piece = star + 1;
        at = ++resume;
      } else return false;
    }
    while (pieces[piece]?.any === true) piece++;
    return piece === pieces.length;
  };
}
