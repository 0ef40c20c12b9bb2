import { ERROR_CODES, type Field, type Fields, type ServiceCommand } from '@tapline/kernel';
import { type Page, type Problem, problem } from './page.ts';

const CODE = /^[A-Z]+(?:_[A-Z0-9]+)+$/;
const METRIC = /^tapline_[a-z_]+$/;
const KEY = /^-{0,2}([a-z][A-Za-z]*(?:\.[A-Za-z]+)+)(?=$|[:= ])/;

/** Error codes, metrics and configuration keys in backticks that do not exist. */
export function unknownNames(pages: readonly Page[], services: readonly ServiceCommand[]): Problem[] {
  const families = new Set(Object.keys(ERROR_CODES).map((code) => code.split('_')[0]));
  const metrics = new Set(services.flatMap((service) => service.metrics.flatMap(namesOf)));
  const fault = (text: string): string | undefined => {
    if (CODE.test(text) && families.has(text.split('_')[0]) && !Object.hasOwn(ERROR_CODES, text))
      return 'no error has this code';
    if (METRIC.test(text) && !metrics.has(text.replace(/_(bucket|sum|count)$/, ''))) return 'no metric has this name';
    const [, key] = KEY.exec(text) ?? [];
    return key === undefined ? undefined : keyFault(key.split('.'), services);
  };
  return pages.flatMap((page) =>
    page.spans.flatMap(({ line, text }) => {
      const wrong = fault(text);
      return wrong === undefined ? [] : [problem(page, line, `${text}: ${wrong}`)];
    }),
  );
}

function namesOf(table: ServiceCommand['metrics'][number]): string[] {
  return Object.values(table).map(({ name }) => name);
}

/** Of a text with dots only one whose first word is a key is meant as one: `shop.orders` is a table. */
function keyFault(path: readonly string[], services: readonly ServiceCommand[]): string | undefined {
  const [first = ''] = path;
  const having = services.filter(({ config }) => Object.hasOwn(config.fields, first));
  if (having.length === 0) return undefined;
  return having.some(({ config }) => reaches(config.fields, path)) ? undefined : 'no configuration has this key';
}

function reaches(fields: Fields, [first, ...rest]: readonly string[]): boolean {
  if (first === undefined) return true;
  const field = fields[first];
  return field !== undefined && reachesIn(field, rest);
}

function reachesIn(field: Field, rest: readonly string[]): boolean {
  if (rest.length === 0) return true;
  switch (field.type) {
    case 'group':
    case 'step':
      return reaches(field.fields, rest);
    case 'list':
      return reachesIn(field.of, rest);
    case 'map':
      return reachesIn(field.of, rest.slice(1));
    case 'either':
      return field.of.some((form) => reachesIn(form, rest));
    case 'variants':
      return rest[0] === field.by || Object.values(field.variants).some((variant) => reaches(variant.fields, rest));
    default:
      return false;
  }
}
