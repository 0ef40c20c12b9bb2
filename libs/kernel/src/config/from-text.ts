import { parse } from 'yaml';
import type { Field } from './fields.ts';

/**
 * The value that a text from the environment or a flag stands for. Lists are `a,b` or YAML's `[a, b]`; maps, steps and groups YAML's `{a: b}`.
 * A text that does not fit is given back as it is: the check then says what was expected.
 */
export function fromText(field: Field, text: string): unknown {
  switch (field.type) {
    case 'integer':
    case 'number':
      return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'list':
      if (/^\s*\[/.test(text)) return fromYaml(text);
      return text === '' ? [] : text.split(',').map((item) => fromText(field.of, item.trim()));
    case 'either': {
      if (/^\s*[[{]/.test(text)) return fromYaml(text);
      const values = field.of.map((form) => fromText(form, text));
      return values.find((value) => typeof value !== 'string' && !Array.isArray(value)) ?? text;
    }
    case 'map':
    case 'step':
    case 'group':
    case 'variants':
      return fromYaml(text);
    default:
      return text;
  }
}

function fromYaml(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    return text;
  }
}
