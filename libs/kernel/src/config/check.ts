import { readFileSync } from 'node:fs';
import type { Field, Fields, NumberField, TextField, VariantsField } from './fields.ts';
import { fromText } from './from-text.ts';
import { nearest, type Path, showPath } from './paths.ts';

export interface Problem {
  readonly code: 'CONFIG_INVALID' | 'CONFIG_UNKNOWN_KEY' | 'CONFIG_UNREADABLE';
  readonly path: Path;
  readonly message: string;
  /** What it refers to is not there: no other form of the value would be right. */
  readonly dangling?: true;
}

/** Collects every problem, so that one run tells all of them, and every secret seen. */
export interface CheckContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly problems: Problem[];
  readonly secrets: Set<string>;
}

/**
 * The checked copy of a value: variables and secrets resolved, defaults of nested groups filled in. Undefined when it is wrong (then a problem was added)
 * or absent. Texts from environment and flags are turned into values before (`fromText`), those of YAML must have the right type already.
 */
export function checkValue(field: Field, given: unknown, path: Path, context: CheckContext): unknown {
  const name = variableOf(field, given);
  const value = name === undefined ? given : fromVariable(field, name, path, context);
  if (name !== undefined && value === undefined) return undefined;
  switch (field.type) {
    case 'text':
      return checkText(field, value, path, context);
    case 'address':
      return checkAddress(value, path, context);
    case 'integer':
    case 'number':
      return checkNumber(field, value, path, context);
    case 'boolean':
      return typeof value === 'boolean' ? value : wrong(path, 'true or false', value, context);
    case 'choice': {
      const word = wordOf(value);
      if (typeof word === 'string' && field.values.includes(word)) return word;
      return wrong(path, `one of ${field.values.join(', ')}`, value, context, near(value, field.values));
    }
    case 'list':
      if (!Array.isArray(value)) return wrong(path, 'a list', value, context);
      if (value.length < (field.minItems ?? 0)) {
        return wrong(path, `at least ${field.minItems} ${field.minItems === 1 ? 'entry' : 'entries'}`, value, context);
      }
      return value.map((item, index) => checkValue(field.of, item, [...path, index], context));
    case 'map':
      if (!isMap(value)) return wrong(path, `a map (${field.keys ?? 'name'}: value)`, value, context);
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, checkValue(field.of, item, [...path, key], context)]),
      );
    case 'either':
      return checkEither(field.of, value, path, context);
    case 'step':
      return checkStep(field.fields, value, path, context);
    case 'group':
      if (!isMap(value)) return wrong(path, 'a group of keys', value, context);
      return checkGroup(field.fields, value, path, context);
    case 'variants':
      return checkVariants(field, value, path, context);
  }
}

/** `on` and `off` are booleans in YAML 1.1: files that went through Helm or Ansible have these instead of the words. */
function wordOf(value: unknown): unknown {
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : value;
}

/** A nested group (inside a list, a map or a step): there convict does not reach, so required keys and defaults are looked after here. */
export function checkGroup(
  fields: Fields,
  value: Readonly<Record<string, unknown>>,
  path: Path,
  context: CheckContext,
): unknown {
  refuseUnknown(Object.keys(value), fields, path, context);
  const result: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) {
    const given = value[key] ?? fallback(field);
    if (given !== undefined) result[key] = checkValue(field, given, [...path, key], context);
    else if (field.optional !== true) addRequired(field, [...path, key], context);
  }
  return result;
}

export function refuseUnknown(
  keys: readonly string[],
  fields: Fields,
  path: Path,
  context: CheckContext,
  others: readonly string[] = [],
): void {
  for (const key of keys) {
    if (Object.hasOwn(fields, key)) continue;
    context.problems.push({
      code: 'CONFIG_UNKNOWN_KEY',
      path: [...path, key],
      message: unknownKey(key, Object.keys(fields), path, others),
    });
  }
}

/** `others`: full paths elsewhere in the declaration, for a key put at the wrong level. */
function unknownKey(key: string, known: readonly string[], path: Path, others: readonly string[]): string {
  const meant = nearest(key, known);
  const elsewhere = meant === undefined ? others.find((other) => other.split('.').at(-1) === key) : undefined;
  const there = showPath([...path, key]);
  if (meant !== undefined) return `${there} is not a key; did you mean ${showPath([...path, meant])}?`;
  if (elsewhere !== undefined) return `${there} is not a key; did you mean ${elsewhere}?`;
  return `${there} is not a key; known here: ${known.join(', ')}`;
}

export function addRequired(field: Field, path: Path, context: CheckContext): void {
  context.problems.push({
    code: 'CONFIG_INVALID',
    path,
    message: `${showPath(path)} is required: ${expectation(field)}`,
  });
}

/** The value a field has when nobody gives one. A group's is an empty group, whose own keys then have theirs. */
export function fallback(field: Field): unknown {
  if (field.optional === true) return undefined;
  if (field.type === 'group') return {};
  if (field.type === 'variants') return field.default === undefined ? undefined : { [field.by]: field.default };
  return 'default' in field ? field.default : undefined;
}

/** What a field wants, in a few words. */
export function expectation(field: Field): string {
  switch (field.type) {
    case 'text':
      return field.expected ?? 'text';
    case 'address':
      return 'host:port';
    case 'integer':
    case 'number':
      return `${field.type === 'integer' ? 'an integer' : 'a number'}${range(field)}`;
    case 'boolean':
      return 'true or false';
    case 'choice':
      return `one of ${field.values.join(', ')}`;
    case 'list':
      return `a list (each: ${expectation(field.of)})`;
    case 'map':
      return `a map (${field.keys ?? 'name'}: ${expectation(field.of)})`;
    case 'either':
      return field.of.map(expectation).join(', or ');
    case 'step':
      return `a map with one of the keys ${Object.keys(field.fields).join(', ')}`;
    case 'group':
      return 'a group of keys';
    case 'variants':
      return `a group whose key ${field.by} is one of ${Object.keys(field.variants).join(', ')}`;
  }
}

function range({ min, max, unit }: NumberField): string {
  const words = unit === undefined ? '' : ` (${unit})`;
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}${words}`;
  if (min !== undefined) return ` of at least ${min}${words}`;
  return max === undefined ? words : ` of at most ${max}${words}`;
}

function checkText(field: TextField, given: unknown, path: Path, context: CheckContext): string | undefined {
  if (typeof given !== 'string') {
    const hint = typeof given === 'number' || typeof given === 'boolean' ? 'put it in quotes' : undefined;
    return wrong(path, expectation(field), field.secret ? MASKED : given, context, hint);
  }
  const value = field.secret ? readSecret(given, path, context) : given;
  if (value === undefined) return undefined;
  if (field.secret) context.secrets.add(value);
  if (field.pattern !== undefined && !new RegExp(`^(?:${field.pattern})$`, 'u').test(value)) {
    return wrong(path, expectation(field), field.secret ? MASKED : value, context);
  }
  const problem = field.check?.(value);
  if (problem === undefined) return value;
  context.problems.push({ code: 'CONFIG_INVALID', path, message: `${showPath(path)}: ${problem}` });
  return undefined;
}

function checkAddress(value: unknown, path: Path, context: CheckContext): string | undefined {
  const match = typeof value === 'string' ? /^(\[[0-9a-f:.]+\]|[^\s:/@]+):(\d{1,5})$/i.exec(value) : null;
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) return wrong(path, 'host:port', value, context);
  return value as string;
}

function checkNumber(field: NumberField, value: unknown, path: Path, context: CheckContext): number | undefined {
  const right =
    field.type === 'integer' ? Number.isSafeInteger(value) : typeof value === 'number' && Number.isFinite(value);
  const number = value as number;
  if (!right || number < (field.min ?? -Infinity) || number > (field.max ?? Infinity)) {
    return wrong(path, expectation(field), value, context);
  }
  return number;
}

function checkEither(forms: readonly Field[], value: unknown, path: Path, context: CheckContext): unknown {
  for (const form of forms) {
    const attempt: CheckContext = { env: context.env, problems: [], secrets: new Set() };
    const result = checkValue(form, value, path, attempt);
    const dangling = attempt.problems.find((problem) => problem.dangling);
    if (dangling !== undefined) {
      context.problems.push(dangling);
      return undefined;
    }
    if (attempt.problems.length > 0) continue;
    for (const secret of attempt.secrets) context.secrets.add(secret);
    return result;
  }
  return wrong(path, forms.map(expectation).join(', or '), value, context);
}

function checkStep(fields: Fields, value: unknown, path: Path, context: CheckContext): unknown {
  const known = Object.keys(fields);
  const keys = isMap(value) ? Object.keys(value) : [];
  const [key] = keys;
  if (!isMap(value) || keys.length !== 1 || key === undefined) {
    return wrong(path, `a map with exactly one of the keys ${known.join(', ')}`, value, context);
  }
  refuseUnknown(keys, fields, path, context);
  const field = fields[key];
  return field === undefined ? undefined : { [key]: checkValue(field, value[key], [...path, key], context) };
}

function checkVariants(field: VariantsField, value: unknown, path: Path, context: CheckContext): unknown {
  if (!isMap(value)) return wrong(path, expectation(field), value, context);
  const { [field.by]: tag = field.default, ...rest } = value;
  const variant = variantOf(field, tag, [...path, field.by], context);
  if (variant === undefined) return undefined;
  return { [field.by]: tag, ...(checkGroup(variant.fields, rest, path, context) as object) };
}

/** The declaration that the tag chooses; a problem is added when there is none. */
export function variantOf(
  field: VariantsField,
  tag: unknown,
  path: Path,
  context: CheckContext,
): VariantsField['variants'][string] | undefined {
  const tags = Object.keys(field.variants);
  if (tag === undefined) addRequired({ type: 'choice', values: tags }, path, context);
  else if (typeof tag === 'string' && Object.hasOwn(field.variants, tag)) return field.variants[tag];
  else wrong(path, `one of ${tags.join(', ')}`, tag, context, near(tag, tags));
  return undefined;
}

/** The variable that a value names as a whole, `${env:NAME}`. Groups are taken apart before: their keys may name one each. */
function variableOf(field: Field, value: unknown): string | undefined {
  if (typeof value !== 'string' || COMPOSED.has(field.type)) return undefined;
  return /^\$\{env:([^}]+)\}$/.exec(value)?.[1];
}

const COMPOSED: ReadonlySet<Field['type']> = new Set(['step', 'group', 'variants']);

function fromVariable(field: Field, name: string, path: Path, context: CheckContext): unknown {
  const text = context.env[name];
  if (text === undefined) return dangling(`the environment variable ${name}, which is not set`, path, context);
  return fromText(field, text);
}

function readSecret(value: string, path: Path, context: CheckContext): string | undefined {
  const [, name] = /^\$\{file:(.+)\}$/s.exec(value) ?? [];
  if (name === undefined) return value;
  try {
    return readFileSync(name, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code;
    return dangling(`the file ${name}, which cannot be read (${why})`, path, context);
  }
}

function dangling(what: string, path: Path, context: CheckContext): undefined {
  const message = `${showPath(path)} refers to ${what}`;
  context.problems.push({ code: 'CONFIG_INVALID', path, message, dangling: true });
}

const MASKED = Symbol('secret');

function wrong(path: Path, expected: string, value: unknown, context: CheckContext, hint?: string): undefined {
  const got = value === MASKED ? '' : `, got ${show(value)}`;
  const message = `${showPath(path)}: expected ${expected}${got}${hint === undefined ? '' : `; ${hint}`}`;
  context.problems.push({ code: 'CONFIG_INVALID', path, message });
  return undefined;
}

function near(value: unknown, known: readonly string[]): string | undefined {
  const meant = typeof value === 'string' ? nearest(value, known) : undefined;
  return meant === undefined ? undefined : `did you mean ${meant}?`;
}

/** A short form of a wrong value. Composite values are only named: they may hold secrets. */
function show(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  return typeof value === 'number' ? `the number ${value}` : JSON.stringify(value);
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
