import { fallback } from './check.ts';
import type { ChoiceField, ConfigDeclaration, Field, Fields, TextField, VariantsField } from './fields.ts';

export type JsonSchema = { readonly [key: string]: unknown };

interface SchemaForm {
  /**
   * For a file that is rendered into a deployment, where everybody may read it: a secret must be a reference, what has no default must be there,
   * and `on` and `off` may be the booleans that tools of YAML 1.1 (Helm is one) make of them.
   */
  readonly deployed: boolean;
}

/** The JSON Schema (2020-12) of a component's file: editors complete and check with it. */
export function jsonSchema(declaration: ConfigDeclaration, id: string): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: id,
    title: `Tapline ${declaration.name}`,
    description: declaration.doc,
    ...objectSchema(declaration.fields, { deployed: false }),
  };
}

/** The same as a part of a larger schema, of any draft from 7 on: Helm's values.schema.json. */
export function deployedSchema(declaration: ConfigDeclaration): JsonSchema {
  return { description: declaration.doc, ...objectSchema(declaration.fields, { deployed: true }) };
}

/** Nothing is required of a file on a disk although a configuration needs it: the key may also come from the environment or a flag. */
function objectSchema(fields: Fields, form: SchemaForm): JsonSchema {
  const entries = Object.entries(fields);
  const properties = Object.fromEntries(entries.map(([name, field]) => [name, fieldSchema(field, form)]));
  const required = form.deployed ? entries.filter(([, field]) => isNeeded(field)).map(([name]) => name) : [];
  return {
    type: 'object',
    additionalProperties: false,
    properties,
    ...(required.length === 0 ? {} : { required }),
  };
}

/** Whether a configuration without this key is refused. */
function isNeeded(field: Field): boolean {
  const otherwise = fallback(field);
  if (field.optional === true) return false;
  return field.type === 'group' ? Object.values(field.fields).some(isNeeded) : otherwise === undefined;
}

function fieldSchema(field: Field, form: SchemaForm): JsonSchema {
  const description = [field.doc, field.unit === undefined ? undefined : `Unit: ${field.unit}.`].filter(
    (text) => text !== undefined,
  );
  return {
    ...(description.length === 0 ? {} : { description: description.join(' ') }),
    ...shape(field, form),
    ...('default' in field && field.default !== undefined && field.type !== 'variants'
      ? { default: field.default }
      : {}),
  };
}

/** `${env:NAME}` may stand for the value of any key. A pattern says nothing of what is no text, so it stands beside the other rules. */
const VARIABLE = '\\$\\{env:[^}]+\\}';
const ADDRESS = '(?:\\[[0-9a-fA-F:.]+\\]|[^\\s:/@]+):\\d{1,5}';

function orVariable(type: string): JsonSchema {
  return { type: [type, 'string'], pattern: `^${VARIABLE}$` };
}

function textOrVariable(pattern: string): JsonSchema {
  return { type: 'string', pattern: `^(?:${pattern}|${VARIABLE})$` };
}

/** By a doubled `not`: of a pattern that does not fit, validators print the value, which may be the secret itself. */
function secretSchema(field: TextField, form: SchemaForm): JsonSchema {
  if (!form.deployed) return { type: 'string', writeOnly: true };
  const reference = '\\$\\{(?:env:[A-Za-z_][A-Za-z0-9_]*|file:/[^}]+)\\}';
  const pattern = field.default === '' ? `^(?:${reference})?$` : `^${reference}$`;
  return { type: 'string', not: { not: { pattern } } };
}

function choiceSchema(field: ChoiceField, form: SchemaForm): JsonSchema {
  const booleans = [['on', true] as const, ['off', false] as const].flatMap(([word, value]) =>
    form.deployed && field.values.includes(word) ? [value] : [],
  );
  return { anyOf: [{ enum: [...field.values, ...booleans] }, { type: 'string', pattern: `^${VARIABLE}$` }] };
}

/** By `if` and `then`, not `oneOf`: of a wrong key a validator then tells the key, and not every variant that it does not fit. */
function variantsSchema(field: VariantsField, form: SchemaForm): JsonSchema {
  const { by } = field;
  const tags = Object.keys(field.variants);
  const rules = Object.entries(field.variants).map(([tag, variant]) => {
    const schema = objectSchema(variant.fields, form);
    const properties = { [by]: { const: tag }, ...(schema['properties'] as object) };
    // A rule on a key that is not there holds: so the default variant is the one that needs no tag.
    const chosen = field.default === tag ? {} : { required: [by] };
    return {
      if: { properties: { [by]: { const: tag } }, ...chosen },
      then: { description: variant.doc, ...schema, properties },
    };
  });
  return {
    type: 'object',
    properties: { [by]: { enum: tags } },
    ...(field.default === undefined ? { required: [by] } : {}),
    allOf: rules,
  };
}

/** Exactly one of the keys. */
function stepSchema(fields: Fields, form: SchemaForm): JsonSchema {
  const { required: _, ...schema } = objectSchema(fields, form);
  return { ...schema, minProperties: 1, maxProperties: 1 };
}

function shape(field: Field, form: SchemaForm): JsonSchema {
  switch (field.type) {
    case 'text':
      if (field.secret) return secretSchema(field, form);
      return field.pattern === undefined ? { type: 'string' } : textOrVariable(field.pattern);
    case 'address':
      return textOrVariable(ADDRESS);
    case 'integer':
    case 'number':
      return {
        ...orVariable(field.type),
        ...(field.min === undefined ? {} : { minimum: field.min }),
        ...(field.max === undefined ? {} : { maximum: field.max }),
      };
    case 'boolean':
      return orVariable('boolean');
    case 'choice':
      return choiceSchema(field, form);
    case 'list':
      return {
        ...orVariable('array'),
        items: fieldSchema(field.of, form),
        ...(field.minItems === undefined ? {} : { minItems: field.minItems }),
      };
    case 'map':
      return { ...orVariable('object'), additionalProperties: fieldSchema(field.of, form) };
    case 'either':
      return { anyOf: field.of.map((one) => fieldSchema(one, form)) };
    case 'step':
      return stepSchema(field.fields, form);
    case 'group':
      return objectSchema(field.fields, form);
    case 'variants':
      return variantsSchema(field, form);
  }
}
