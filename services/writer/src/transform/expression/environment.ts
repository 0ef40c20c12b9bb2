import { createHash, createHmac } from 'node:crypto';
import { Environment } from '@marcbachmann/cel-js';
import { Decimal } from './decimal.ts';

/*
 * CEL over rows. What the language leaves open, or refuses between its own types, is said here, so that the numbers of MySQL can be written down as
 * they are:
 *
 * - NULL is `null`. An order comparison with it is false, arithmetic with it is null, as in SQL; only == and != are ever true of it.
 * - INT and narrower, FLOAT and DOUBLE are `double`, BIGINT is `int` (64 bits and beyond). The two compare by value; +, - and * of them are exact
 *   integers where both are whole, % too.
 * - DECIMAL is text: compared with a number it counts by its value, exactly. `decimal(x)` computes with it, exactly.
 */

const NUMBERS = ['int', 'double'] as const;
const COMPARABLE = ['int', 'double', 'string', 'bool', 'bytes', 'decimal'] as const;

type Test = (order: number) => boolean;
const ORDERS: Readonly<Record<string, Test>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** The variables of an expression over one image, and over a whole change. */
export const ROW_VARIABLES = ['row', 'key'] as const;
export const CHANGE_VARIABLES = ['row', 'key', 'before', 'after'] as const;
export const TEXT_VARIABLES = ['op', 'source', 'db', 'table', 'topic'] as const;

/** @param secret what `hash` is keyed with. */
export function environment(images: readonly string[], secret: string): Environment {
  const env = new Environment({ homogeneousAggregateLiterals: false, enableOptionalTypes: false });
  for (const name of images) env.registerVariable(name, 'map');
  for (const name of TEXT_VARIABLES) env.registerVariable(name, name === 'op' || name === 'topic' ? 'string' : 'dyn');
  env.registerType('decimal', { ctor: Decimal, fields: {} });
  numbers(env);
  decimals(env);
  nulls(env);
  functions(env, secret);
  return env;
}

function numbers(env: Environment): void {
  for (const [left, right] of [
    ['int', 'double'],
    ['double', 'int'],
  ] as const) {
    for (const [sign, whole, rest] of ARITHMETIC) {
      env.registerOperator(`${left} ${sign} ${right}: dyn`, (a: number | bigint, b: number | bigint) =>
        bothWhole(a, b) ? whole(BigInt(a), BigInt(b)) : rest(Number(a), Number(b)),
      );
    }
    env.registerOperator(
      `${left} / ${right}: double`,
      (a: number | bigint, b: number | bigint) => Number(a) / Number(b),
    );
  }
  env.registerOperator('double % double: double', (a: number, b: number) => a % b);
}

const ARITHMETIC = [
  ['+', (a: bigint, b: bigint) => a + b, (a: number, b: number) => a + b],
  ['-', (a: bigint, b: bigint) => a - b, (a: number, b: number) => a - b],
  ['*', (a: bigint, b: bigint) => a * b, (a: number, b: number) => a * b],
  ['%', (a: bigint, b: bigint) => remainder(a, b), (a: number, b: number) => a % b],
] as const;

function remainder(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new Error('modulo by zero');
  return a % b;
}

function bothWhole(a: number | bigint, b: number | bigint): boolean {
  return (typeof a === 'bigint' || Number.isSafeInteger(a)) && (typeof b === 'bigint' || Number.isSafeInteger(b));
}

function decimals(env: Environment): void {
  const pairs = NUMBERS.flatMap((number) =>
    ['string', 'decimal'].flatMap((text) => [
      [text, number],
      [number, text],
    ]),
  );
  const equal = new Set<string>();
  for (const [left, right] of [...pairs, ['decimal', 'decimal'], ['decimal', 'string'], ['string', 'decimal']]) {
    for (const [sign, test] of Object.entries(ORDERS))
      env.registerOperator(`${left} ${sign} ${right}: bool`, (a: unknown, b: unknown) =>
        test(exact(a).compare(exact(b))),
      );
    // The other way round it is the same operator.
    if (!equal.has(`${right} ${left}`)) {
      equal.add(`${left} ${right}`);
      env.registerOperator(`${left} == ${right}: bool`, (a: unknown, b: unknown) => sameNumber(a, b));
    }
    if (left !== 'decimal' && right !== 'decimal') continue;
    env.registerOperator(`${left} + ${right}: decimal`, (a: unknown, b: unknown) => exact(a).plus(exact(b)));
    env.registerOperator(`${left} - ${right}: decimal`, (a: unknown, b: unknown) => exact(a).minus(exact(b)));
    env.registerOperator(`${left} * ${right}: decimal`, (a: unknown, b: unknown) => exact(a).times(exact(b)));
  }
  env.registerFunction('decimal(dyn): decimal', (value: unknown) => exact(value));
  env.registerFunction('string(decimal): string', (value: Decimal) => value.toString());
  env.registerFunction('double(decimal): double', (value: Decimal) => Number(value.toString()));
  env.registerFunction('round(dyn, int): decimal', (value: unknown, scale: bigint) =>
    exact(value).round(Number(scale)),
  );
}

function exact(value: unknown): Decimal {
  const decimal = Decimal.of(value);
  if (decimal === undefined) throw new Error(`${shown(value)} is compared with, or used as, a number, and is none`);
  return decimal;
}

function sameNumber(a: unknown, b: unknown): boolean {
  const [left, right] = [Decimal.of(a), Decimal.of(b)];
  return left !== undefined && right !== undefined && left.compare(right) === 0;
}

/** Values may be personal: a text is named by its length. */
function shown(value: unknown): string {
  return typeof value === 'string' ? `a text of ${value.length} characters` : `a ${typeof value}`;
}

function nulls(env: Environment): void {
  const pairs = COMPARABLE.flatMap((type) => [
    ['null', type],
    [type, 'null'],
  ]);
  for (const [left, right] of [...pairs, ['null', 'null']]) {
    for (const sign of Object.keys(ORDERS)) env.registerOperator(`${left} ${sign} ${right}: bool`, () => false);
    if (left === 'bool' || right === 'bool') continue;
    for (const sign of ['+', '-', '*', '/', '%']) env.registerOperator(`${left} ${sign} ${right}: dyn`, () => null);
  }
}

function functions(env: Environment, secret: string): void {
  env.registerFunction('coalesce(dyn, dyn): dyn', (value: unknown, other: unknown) => value ?? other);
  env.registerFunction('hash(dyn): dyn', (value: unknown) => (value === null ? null : hashText(value, secret)));
}

/** SHA-256 in hexadecimal digits of the value's text (bytes as they are), keyed with the secret where there is one. */
export function hashText(value: unknown, secret: string): string {
  const hash = secret === '' ? createHash('sha256') : createHmac('sha256', secret);
  return hash.update(value instanceof Uint8Array ? value : String(value)).digest('hex');
}
