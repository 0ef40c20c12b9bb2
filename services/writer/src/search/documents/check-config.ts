import { TaplineError } from '@tapline/kernel';
import type { SearchConfig } from '../config.ts';
import type { DocumentConfig } from './config.ts';

type Form = Pick<SearchConfig, 'index' | 'id' | 'routing' | 'lostIndex' | 'deletedField'>;

/** What the declaration of `sink.document` cannot say. @throws TaplineError CONFIG_INVALID. */
export function checkDocumentConfig(config: Form, document: DocumentConfig): void {
  checkName(config);
  checkMembers(config, document);
  checkJoins(config, document);
}

/** A document is found from rows of every table, which know no more of it than the root's key. */
function checkName({ index, id, routing, lostIndex }: Form): void {
  if (index.includes('${')) throw wrong('sink.index', 'is one name with sink.document, without placeholders');
  const [other] = /\$\{(?!key[.}])[^}]*\}/.exec(id) ?? [];
  if (other !== undefined) throw wrong('sink.id', `has ${other}; with sink.document it is made of key columns only`);
  if (routing !== undefined) throw wrong('sink.routing', 'does not go together with sink.document');
  if (lostIndex === 'create')
    throw wrong('sink.lostIndex', 'must be stop with sink.document: half of a document cannot be made anew');
}

function checkMembers({ deletedField }: Form, { many, one }: DocumentConfig): void {
  const met = new Set([deletedField]);
  for (const [list, joins] of [
    ['many', many],
    ['one', one],
  ] as const) {
    for (const [at, { as, on }] of joins.entries()) {
      const path = `sink.document.${list}[${at}]`;
      if (met.has(as)) throw wrong(`${path}.as`, `is ${as}, which is the name of another member`);
      if (Object.keys(on).length === 0) throw wrong(`${path}.on`, 'must name the columns that join');
      if (new Set(Object.values(on)).size < Object.keys(on).length)
        throw wrong(`${path}.on`, 'names a column twice on the right');
      met.add(as);
    }
  }
}

/** The id must come out the same from a row of the root and from a row in a list. */
function checkJoins({ id }: Form, { many }: DocumentConfig): void {
  const named = new Set([...id.matchAll(/\$\{key\.([^}]+)\}/g)].map(([, column = '']) => column));
  const first = Object.values(many[0]?.on ?? {});
  for (const [at, { on }] of many.entries()) {
    const path = `sink.document.many[${at}].on`;
    const columns = Object.values(on);
    if (columns.length !== first.length || columns.some((column) => !first.includes(column)))
      throw wrong(path, `names ${columns.join(', ')} of the root table, and the first list ${first.join(', ')}`);
    for (const column of named)
      if (!columns.includes(column)) throw wrong('sink.id', `has \${key.${column}}, which ${path} does not name`);
    if (columns.length > 1 && columns.some((column) => !named.has(column)))
      throw wrong(
        'sink.id',
        `must name each of ${columns.join(', ')}, such as ${columns.map((one) => `\${key.${one}}`).join('-')}`,
      );
  }
}

function wrong(path: string, problem: string): TaplineError {
  return new TaplineError('CONFIG_INVALID', { message: `${path}: ${problem}.`, place: { path } });
}
