import { expectation } from './check.ts';
import type { ConfigDeclaration, Field, Fields } from './fields.ts';
import { envName, type Path, showPath } from './paths.ts';

export interface DescribedKey {
  readonly path: Path;
  readonly key: string;
  readonly env: string;
  readonly field: Field;
  readonly expected: string;
  /** `required`, `optional` or the default as YAML flow text. */
  readonly fallback: string;
  /** `sink.type = redis` when only that variant has the key. */
  readonly when?: string;
}

/** Every key with its documentation, in the order of the declaration; groups come before their keys. */
export function describeKeys(declaration: ConfigDeclaration): DescribedKey[] {
  const keys: DescribedKey[] = [];
  const add = (field: Field, path: Path, when: string | undefined): void => {
    keys.push({
      path,
      key: showPath(path),
      env: envName(declaration.name, path),
      field,
      expected: expectation(field),
      fallback: fallbackText(field),
      ...(when === undefined ? {} : { when }),
    });
  };
  const visit = (fields: Fields, path: Path, when?: string): void => {
    for (const [name, field] of Object.entries(fields)) {
      const here = [...path, name];
      add(field, here, when);
      if (field.type === 'group') visit(field.fields, here, when);
      if (field.type !== 'variants') continue;
      const tag = [...here, field.by];
      const values = Object.keys(field.variants);
      const doc = values.map((value) => `${value}: ${field.variants[value]?.doc ?? ''}`).join(' ');
      add(
        { type: 'choice', doc, values, ...(field.default === undefined ? {} : { default: field.default }) },
        tag,
        when,
      );
      for (const [value, variant] of Object.entries(field.variants))
        visit(variant.fields, here, `${showPath(tag)} = ${value}`);
    }
  };
  visit(declaration.fields, []);
  return keys;
}

function fallbackText(field: Field): string {
  if (field.optional === true) return 'optional';
  if (field.type === 'group') return '';
  if (!('default' in field) || field.default === undefined) return field.type === 'variants' ? '' : 'required';
  if (field.type === 'variants') return '';
  const text = typeof field.default === 'string' ? field.default : JSON.stringify(field.default);
  return text === '' ? '""' : text;
}

export function helpText(
  declaration: ConfigDeclaration,
  { usage, summary }: { usage: string; summary: string },
): string {
  const lines = [
    `${usage} — ${summary}`,
    '',
    `Usage: ${usage} [--config FILE] [--KEY VALUE …] [--print-config] [--help]`,
    '',
    'Each key can stand in the YAML file, in the environment, or as a flag; a flag wins over the environment, that over the file.',
    `The environment's name of source.serverId is ${envName(declaration.name, ['source', 'serverId'])}, the flag --source.serverId.`,
    '',
    'Keys:',
  ];
  for (const { path, key, field, expected, fallback, when } of describeKeys(declaration)) {
    const indent = '  '.repeat(path.length);
    const group = field.type === 'group' || field.type === 'variants';
    const notes = [
      group ? '' : expected,
      fallback === '' || group ? fallback : fallback.replace(/^(?!required|optional)/, 'default '),
    ];
    const secret = 'secret' in field ? 'secret' : '';
    const facts = [...notes, when === undefined ? '' : `when ${when}`, secret].filter((note) => note !== '');
    lines.push(`${indent}${group ? `${key}:` : `--${key}`}${facts.length === 0 ? '' : `  (${facts.join('; ')})`}`);
    if (field.doc !== undefined && field.doc !== '') lines.push(...wrap(field.doc, `${indent}    `));
  }
  return `${lines.join('\n')}\n`;
}

function wrap(text: string, indent: string, width = 110): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(/\s+/)) {
    if (line.length + word.length > width && line !== indent) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
