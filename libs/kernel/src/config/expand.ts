import { addRequired, type CheckContext, fallback, isMap, refuseUnknown, variantOf } from './check.ts';
import type { Field, Fields } from './fields.ts';
import { type Path, showPath } from './paths.ts';

/** A key of its own: it has an environment variable and a flag. Groups and variants are taken apart into their leaves. */
export interface Leaf {
  readonly path: Path;
  readonly field: Field;
  /** The value in the file, unchecked. */
  readonly given: unknown;
}

/** What environment and flags hold for a path, as text; undefined when neither has it. */
export type Overrides = (path: Path) => string | undefined;

/**
 * The leaves that this configuration has: which variant's, and which optional groups', depends on what is given. Refuses unknown keys of the
 * file on the way.
 */
export function expand(
  fields: Fields,
  file: Readonly<Record<string, unknown>>,
  overrides: Overrides,
  context: CheckContext,
): Leaf[] {
  const everywhere = leafPaths(fields).map(showPath);
  const leaves: Leaf[] = [];

  const visitFields = (group: Fields, given: Readonly<Record<string, unknown>>, path: Path): void => {
    refuseUnknown(Object.keys(given), group, path, context, everywhere);
    for (const [key, field] of Object.entries(group)) visit(field, given[key], [...path, key]);
  };

  const visit = (field: Field, given: unknown, path: Path): void => {
    if (field.type !== 'group' && field.type !== 'variants') {
      leaves.push({ path, field, given });
      return;
    }
    const overridden = leafPaths({ value: field }).some(
      (below) => overrides([...path, ...below.slice(1)]) !== undefined,
    );
    if (given === undefined && !overridden) {
      const otherwise = fallback(field);
      if (field.optional === true) return;
      if (otherwise === undefined) {
        addRequired(field, path, context);
        return;
      }
    }
    if (given !== undefined && !isMap(given)) {
      // As a leaf it is checked, and refused, like any other value.
      leaves.push({ path, field, given });
      return;
    }
    if (field.type === 'group') {
      visitFields(field.fields, given ?? {}, path);
      return;
    }
    const tag = { type: 'choice', values: Object.keys(field.variants) } as const;
    const chosen = overrides([...path, field.by]) ?? given?.[field.by] ?? field.default;
    const variant = variantOf(field, chosen, [...path, field.by], context);
    if (variant === undefined) return;
    const withTag = {
      [field.by]: { ...tag, ...(field.default === undefined ? {} : { default: field.default }) },
      ...variant.fields,
    };
    visitFields(withTag, given ?? {}, path);
  };

  visitFields(fields, file, []);
  return leaves;
}

/** The paths of all leaves of all variants: everything that has an environment variable and a flag. */
export function leafPaths(fields: Fields, path: Path = []): Path[] {
  return Object.entries(fields).flatMap(([key, field]) => {
    const here = [...path, key];
    if (field.type === 'group') return leafPaths(field.fields, here);
    if (field.type !== 'variants') return [here];
    const below = Object.values(field.variants).flatMap((variant) => leafPaths(variant.fields, here));
    return [[...here, field.by], ...below];
  });
}
