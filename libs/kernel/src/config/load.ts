import convict from 'convict';
import { stringify } from 'yaml';
import { TaplineError } from '../errors.ts';
import { MASK } from '../redact.ts';
import { addRequired, type CheckContext, checkValue, fallback, type Problem } from './check.ts';
import { expand, type Leaf, leafPaths } from './expand.ts';
import type { ConfigDeclaration, ConfigOf, Field } from './fields.ts';
import { fromText } from './from-text.ts';
import { envName, nearest, type Path, showPath } from './paths.ts';
import { NO_FILE, parseSource, readSourceFile, type SourceFile } from './source-file.ts';

export interface ConfigInput {
  /** Path of a YAML file. */
  readonly file?: string;
  /** YAML text instead of a file. */
  readonly text?: string;
  /** The value itself instead of a file, for tests and programs. */
  readonly value?: unknown;
  /** Default: no environment. Services pass process.env. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** `source.host` → text, from the command line. */
  readonly flags?: ReadonlyMap<string, string>;
}

export interface LoadedConfig<T> {
  readonly value: T;
  /** Every secret value, for the log's redactor. */
  readonly secrets: readonly string[];
  /** Things that are odd but harmless, such as an environment variable with our prefix that no key has. */
  readonly warnings: readonly string[];
  /** YAML with defaults filled in and secrets as ***. */
  print(): string;
}

/**
 * Flags win over the environment, that over the file, that over defaults. Everything wrong is told at once, in one error: CONFIG_UNREADABLE (no
 * file, or no YAML), CONFIG_UNKNOWN_KEY, CONFIG_INVALID.
 */
export function loadConfig<const D extends ConfigDeclaration>(
  declaration: D,
  input: ConfigInput,
): LoadedConfig<ConfigOf<D>> {
  const source = sourceOf(input);
  const env = input.env ?? {};
  const flags = input.flags ?? new Map<string, string>();
  const context: CheckContext = { env, problems: [], secrets: new Set() };
  const overrides = (path: Path): string | undefined =>
    flags.get(showPath(path)) ?? env[envName(declaration.name, path)];

  const leaves = expand(declaration.fields, source.value, overrides, context);
  refuseUnknownFlags(flags, leaves, context);
  const values = layer(declaration, leaves, { env, flags }, context);
  if (context.problems.length > 0) throw refusal(context.problems, source, input, declaration);
  return {
    value: nest(values) as ConfigOf<D>,
    secrets: [...context.secrets],
    warnings: strayVariables(declaration, env),
    print: () =>
      stringify(
        nest(values, (field, value) => masked(field, value)),
        { lineWidth: 120 },
      ),
  };
}

function sourceOf({ file, text, value }: ConfigInput): SourceFile {
  if (file !== undefined) return readSourceFile(file);
  if (text !== undefined) return parseSource(text, 'config');
  return value === undefined ? NO_FILE : parseSource(JSON.stringify(value), 'config');
}

type Checked = readonly { readonly leaf: Leaf; readonly value: unknown }[];

/**
 * convict does the layering of defaults, file and environment, and the strict check. Its own coercion is lax (12abc becomes 12, any text but `false`
 * is true) and its walk splits keys at dots (`shop.log`), so each value crosses it as one sealed item, [value], or as the environment's bare
 * text. Flags go in as the environment's values: convict's flag parser would turn the password 007 into 7.
 */
function layer(
  declaration: ConfigDeclaration,
  leaves: readonly Leaf[],
  { env, flags }: { env: Readonly<Record<string, string | undefined>>; flags: ReadonlyMap<string, string> },
  context: CheckContext,
): Checked {
  const checked = new Map<Leaf, unknown>();
  const schema: Record<string, unknown> = {};
  const file: Record<string, unknown> = {};
  const layered: Record<string, string> = {};
  leaves.forEach((leaf, index) => {
    const variable = envName(declaration.name, leaf.path);
    const override = flags.get(showPath(leaf.path)) ?? env[variable];
    const otherwise = fallback(leaf.field);
    // convict's names are numbers here: ours may hold dots, and two of them may share a prefix.
    const key = `k${index}`;
    schema[key] = {
      doc: leaf.field.doc ?? '',
      format: FORMAT,
      default: otherwise === undefined ? undefined : [otherwise],
      env: `K${index}`,
      sensitive: 'secret' in leaf.field,
      check: (sealed: unknown): void => {
        const before = context.problems.length;
        const given = typeof sealed === 'string' ? fromText(leaf.field, sealed) : (sealed as unknown[])[0];
        checked.set(leaf, checkValue(leaf.field, given, leaf.path, context));
        if (context.problems.length > before) throw new Error('see problems');
      },
    };
    if (leaf.given !== undefined) file[key] = [leaf.given];
    if (override !== undefined) layered[`K${index}`] = override;
    if (leaf.given === undefined && override === undefined && otherwise === undefined && leaf.field.optional !== true) {
      addRequired(leaf.field, leaf.path, context);
    }
  });
  registerFormat();
  const layers = convict(schema as convict.Schema<Record<string, unknown>>, { env: layered, args: [] });
  layers.load(file);
  try {
    layers.validate({ allowed: 'strict' });
  } catch (error) {
    if (context.problems.length === 0)
      throw new TaplineError('INTERNAL', { message: 'The configuration check failed.', cause: error });
  }
  return [...checked].map(([leaf, value]) => ({ leaf, value }));
}

const FORMAT = 'tapline';
let registered = false;

function registerFormat(): void {
  if (registered) return;
  registered = true;
  convict.addFormat({
    name: FORMAT,
    validate: (value: unknown, schema: convict.SchemaObj): void =>
      (schema as { check?: (value: unknown) => void }).check?.(value),
    coerce: (value: unknown): unknown => value,
  });
}

/** Leaves as the nested value that services use. */
function nest(
  checked: Checked,
  show: (field: Field, value: unknown) => unknown = (_, value) => value,
): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const { leaf, value } of checked) {
    if (value === undefined) continue;
    let parent = root;
    for (const part of leaf.path.slice(0, -1)) parent = (parent[part] ??= {}) as Record<string, unknown>;
    parent[String(leaf.path.at(-1))] = show(leaf.field, value);
  }
  return root;
}

/** A checked value with its secrets as ***, wherever they are in it. */
function masked(field: Field, value: unknown): unknown {
  if (value === undefined || value === null) return value;
  const group = value as Readonly<Record<string, unknown>>;
  switch (field.type) {
    case 'text':
      return field.secret ? MASK : value;
    case 'list':
      return (value as unknown[]).map((item) => masked(field.of, item));
    case 'map':
      return Object.fromEntries(Object.entries(group).map(([key, item]) => [key, masked(field.of, item)]));
    case 'either':
      return field.of.some((form) => form.type === 'text' && form.secret) ? MASK : value;
    case 'step':
    case 'group':
      return maskedFields(field.fields, group);
    case 'variants':
      return maskedFields(field.variants[String(group[field.by])]?.fields ?? {}, group);
    default:
      return value;
  }
}

function maskedFields(fields: Readonly<Record<string, Field>>, group: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(
    Object.entries(group).map(([key, item]) => [key, fields[key] === undefined ? item : masked(fields[key], item)]),
  );
}

function refuseUnknownFlags(flags: ReadonlyMap<string, string>, leaves: readonly Leaf[], context: CheckContext): void {
  const known = leaves.map(({ path }) => showPath(path));
  for (const flag of flags.keys()) {
    if (known.includes(flag)) continue;
    const meant = nearest(flag, known) ?? known.find((name) => name.endsWith(`.${flag}`));
    const hint = meant === undefined ? '--help lists all' : `did you mean --${meant}?`;
    context.problems.push({ code: 'CONFIG_UNKNOWN_KEY', path: [flag], message: `--${flag} is not a key; ${hint}` });
  }
}

/** Only told, not refused: Kubernetes itself adds TAPLINE_READER_SERVICE_HOST and the like where a Service has such a name. */
function strayVariables(declaration: ConfigDeclaration, env: Readonly<Record<string, string | undefined>>): string[] {
  const prefix = envName(declaration.name, []);
  const known = new Set(leafPaths(declaration.fields).map((path) => envName(declaration.name, path)));
  const stray = Object.keys(env).filter((name) => name.startsWith(`${prefix}_`) && !known.has(name));
  return stray.map((name) => {
    const meant = nearest(name, known);
    return `The environment variable ${name} belongs to no key${meant === undefined ? '' : `; did you mean ${meant}?`}`;
  });
}

function refusal(
  problems: readonly Problem[],
  source: SourceFile,
  { flags, env = {} }: ConfigInput,
  declaration: ConfigDeclaration,
): TaplineError {
  const place = ({ path }: Problem): string => {
    const flag = showPath(path);
    if (flags?.has(flag) || flags?.has(String(path[0]))) return `--${flags.has(flag) ? flag : path[0]}`;
    const variable = envName(declaration.name, path);
    return env[variable] === undefined ? source.locate(path) : variable;
  };
  const [first, ...rest] = problems.map((problem) => ({ ...problem, where: place(problem) }));
  if (first === undefined) throw new TypeError('a refusal needs a problem');
  const others = rest.map(({ message, where }) => `\n  also: ${message}${where === '' ? '' : ` (${where})`}`);
  return new TaplineError(first.code, {
    message: `${first.message}${others.join('')}`,
    place: { path: first.where === '' ? showPath(first.path) : first.where },
  });
}
