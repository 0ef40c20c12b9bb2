import type { ConfigDeclaration, Field, Fields } from './fields.ts';

export type JsonSchema = { readonly [key: string]: unknown };

/** The JSON Schema (2020-12) of a component's file: editors complete and check with it, Helm's values.schema.json is made of it. */
export function jsonSchema(declaration: ConfigDeclaration, id: string): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: id,
    title: `Tapline ${declaration.name}`,
    description: declaration.doc,
    ...objectSchema(declaration.fields),
  };
}

/** Nothing is required here although a configuration needs it: the key may also come from the environment or a flag. */
function objectSchema(fields: Fields): JsonSchema {
  const properties = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, fieldSchema(field)]));
  return { type: 'object', additionalProperties: false, properties };
}

function fieldSchema(field: Field): JsonSchema {
  const description = [field.doc, field.unit === undefined ? undefined : `Unit: ${field.unit}.`].filter(
    (text) => text !== undefined,
  );
  return {
    ...(description.length === 0 ? {} : { description: description.join(' ') }),
    ...shape(field),
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

function shape(field: Field): JsonSchema {
  switch (field.type) {
    case 'text': {
      if (field.secret) return { type: 'string', writeOnly: true };
      return field.pattern === undefined ? { type: 'string' } : textOrVariable(field.pattern);
    }
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
      return { anyOf: [{ enum: field.values }, { type: 'string', pattern: `^${VARIABLE}$` }] };
    case 'list':
      return {
        ...orVariable('array'),
        items: fieldSchema(field.of),
        ...(field.minItems === undefined ? {} : { minItems: field.minItems }),
      };
    case 'map':
      return { ...orVariable('object'), additionalProperties: fieldSchema(field.of) };
    case 'either':
      return { anyOf: field.of.map(fieldSchema) };
    case 'step':
      return {
        oneOf: Object.entries(field.fields).map(([name, step]) => ({
          ...objectSchema({ [name]: step }),
          required: [name],
        })),
      };
    case 'group':
      return objectSchema(field.fields);
    case 'variants':
      return {
        oneOf: Object.entries(field.variants).map(([tag, variant]) => {
          const schema = objectSchema(variant.fields);
          const properties = { [field.by]: { const: tag }, ...(schema['properties'] as object) };
          const required = field.default === tag ? {} : { required: [field.by] };
          return { description: variant.doc, ...schema, properties, ...required };
        }),
      };
  }
}
