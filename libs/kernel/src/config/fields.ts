/**
 * How a component declares its configuration: once, as plain data. The same declaration gives the checked and typed value, the environment
 * variables, the flags, `--help`, the JSON Schema and the page in docs/reference.
 *
 *     export const READER_CONFIG = { name: 'reader', doc: '…', fields: { port: { type: 'integer', doc: '…', default: 3306 } } } as const satisfies ConfigDeclaration;
 *     export type ReaderConfig = ConfigOf<typeof READER_CONFIG>;
 *
 * A field without `default` and without `optional: true` must be given. A shared part is used as `kafka: KAFKA_CONFIG as typeof KAFKA_CONFIG`
 * (isolatedDeclarations wants the type said).
 */
interface Described {
  /** One or two sentences; printed by --help and in the reference. Required on every named field. */
  readonly doc?: string;
  /** `ms`, `bytes`, `rows`, …: also in the name (`flushMs`). */
  readonly unit?: string;
  /** May be left out; its type then has no value. */
  readonly optional?: true;
}

export interface TextField extends Described {
  readonly type: 'text';
  readonly default?: string;
  /** Regular expression source that the whole value must match, with `expected` saying it in words. */
  readonly pattern?: string;
  readonly expected?: string;
  /** Never printed. May be given as `${file:/path}` (read at start, a final newline dropped). */
  readonly secret?: true;
  /** Says what is wrong with a value of the right form, or undefined. */
  readonly check?: (value: string) => string | undefined;
}

/** `host:port`. */
export interface AddressField extends Described {
  readonly type: 'address';
  readonly default?: string;
}

export interface NumberField extends Described {
  readonly type: 'integer' | 'number';
  readonly default?: number;
  readonly min?: number;
  readonly max?: number;
}

export interface BooleanField extends Described {
  readonly type: 'boolean';
  readonly default?: boolean;
}

/** One of a few words. */
export interface ChoiceField extends Described {
  readonly type: 'choice';
  readonly values: readonly string[];
  readonly default?: string;
}

export interface ListField extends Described {
  readonly type: 'list';
  readonly of: Field;
  readonly default?: readonly unknown[];
  readonly minItems?: number;
}

/** Keys that the user chooses. */
export interface MapField extends Described {
  readonly type: 'map';
  readonly of: Field;
  /** What the keys are, in a few words: `<database>.<table>`. */
  readonly keys?: string;
  readonly default?: Readonly<Record<string, unknown>>;
}

/** A value of one of several forms; the first that fits is taken. */
export interface EitherField extends Described {
  readonly type: 'either';
  readonly of: readonly Field[];
  readonly default?: unknown;
}

/** A map with exactly one of these keys: a step, such as `{ mask: … }`. */
export interface StepField extends Described {
  readonly type: 'step';
  readonly fields: Fields;
}

export interface GroupField extends Described {
  readonly type: 'group';
  readonly fields: Fields;
}

/** A group in which the key `by` chooses what else belongs to it. */
export interface VariantsField extends Described {
  readonly type: 'variants';
  readonly by: string;
  readonly variants: Readonly<Record<string, GroupField>>;
  /** The variant taken when `by` is not given. */
  readonly default?: string;
}

export type Field =
  | TextField
  | AddressField
  | NumberField
  | BooleanField
  | ChoiceField
  | ListField
  | MapField
  | EitherField
  | StepField
  | GroupField
  | VariantsField;

export type Fields = Readonly<Record<string, Field>>;

export interface ConfigDeclaration {
  /** `reader`: the prefix of environment variables (`TAPLINE_READER_…`) and the name of the pages. */
  readonly name: string;
  readonly doc: string;
  readonly fields: Fields;
}

type Simplify<T> = { [K in keyof T]: T[K] };

/** A declaration of which only the type is known has keys that nobody knows. */
type GroupValue<F> = string extends keyof F
  ? Readonly<Record<string, unknown>>
  : Simplify<
      { readonly [K in keyof F as F[K] extends { optional: true } ? never : K]: ValueOf<F[K]> } & {
        readonly [K in keyof F as F[K] extends { optional: true } ? K : never]?: ValueOf<F[K]>;
      }
    >;

/** The variants of a declaration put together at run time (sinks, registries) are known by their tag only. */
type VariantValue<By extends string, V> = string extends keyof V
  ? { readonly [K in By]: string } & Readonly<Record<string, unknown>>
  : {
      [K in keyof V & string]: Simplify<
        { readonly [P in By]: K } & (V[K] extends { fields: infer F } ? GroupValue<F> : never)
      >;
    }[keyof V & string];

/** The checked value of a field. */
export type ValueOf<F> = F extends { type: 'text' | 'address' }
  ? string
  : F extends { type: 'integer' | 'number' }
    ? number
    : F extends { type: 'boolean' }
      ? boolean
      : F extends { type: 'choice'; values: readonly (infer V)[] }
        ? V
        : F extends { type: 'list'; of: infer I }
          ? readonly ValueOf<I>[]
          : F extends { type: 'map'; of: infer I }
            ? Readonly<Record<string, ValueOf<I>>>
            : F extends { type: 'either'; of: readonly (infer I)[] }
              ? ValueOf<I>
              : F extends { type: 'step'; fields: infer S }
                ? { [K in keyof S]: { readonly [P in K]: ValueOf<S[K]> } }[keyof S]
                : F extends { type: 'group'; fields: infer G }
                  ? GroupValue<G>
                  : F extends { type: 'variants'; by: infer B extends string; variants: infer V }
                    ? VariantValue<B, V>
                    : never;

/** The checked configuration of a component. */
export type ConfigOf<D> = D extends { fields: infer F } ? GroupValue<F> : never;
