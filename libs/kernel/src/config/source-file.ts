import { readFileSync } from 'node:fs';
import { type Document, isNode, isMap as isYamlMap, LineCounter, parseDocument } from 'yaml';
import { TaplineError } from '../errors.ts';
import { isMap } from './check.ts';
import type { Path } from './paths.ts';

/** A YAML file (JSON is YAML too) and where its keys are. */
export interface SourceFile {
  readonly value: Readonly<Record<string, unknown>>;
  /** `reader.yaml:3:5` of the nearest key of this path that the file holds; the file's name when it holds none. */
  locate(path: Path): string;
}

export const NO_FILE: SourceFile = { value: {}, locate: () => '' };

/** Throws CONFIG_UNREADABLE with file, line and column. */
export function readSourceFile(file: string): SourceFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new TaplineError('CONFIG_UNREADABLE', {
      message: `The configuration file ${file} cannot be read: ${code}.`,
      place: { path: file },
      remedy: 'Check the path given with --config and the permissions of the file.',
      cause: error,
    });
  }
  return parseSource(text, file);
}

/** The file's keys and values, unchecked, such as for finding out whose configuration it is. Throws CONFIG_UNREADABLE. */
export function readConfigFile(file: string): Readonly<Record<string, unknown>> {
  return readSourceFile(file).value;
}

/** Text that is given directly instead of a file; `name` stands for the file's name in messages. */
export function parseSource(text: string, name: string): SourceFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [fault] = document.errors;
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  if (fault !== undefined) {
    throw unreadable(`${name} is not valid YAML: ${fault.message}.`, at(fault.pos[0]));
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 1000 }) ?? {};
  } catch (error) {
    throw unreadable(`${name} is not valid YAML: ${(error as Error).message}.`, name);
  }
  if (!isMap(value)) throw unreadable(`${name} must be a map of keys, such as \`name: shop\`.`, at(0));
  return { value: dropNulls(value), locate: (path) => locate(document, path, at) ?? name };
}

function unreadable(message: string, path: string): TaplineError {
  return new TaplineError('CONFIG_UNREADABLE', { message, place: { path } });
}

/** `key:` with nothing behind it means that the key is not given. */
function dropNulls(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const entries = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(entries.map(([key, item]) => [key, isMap(item) ? dropNulls(item) : item]));
}

function locate(document: Document, path: Path, at: (offset: number) => string): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const name = path[length - 1];
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    if (isYamlMap(parent)) {
      const key = parent.items.find(
        (pair) => isNode(pair.key) && 'value' in pair.key && String(pair.key.value) === String(name),
      )?.key;
      if (isNode(key) && key.range) return at(key.range[0]);
    }
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return at(node.range[0]);
  }
  return undefined;
}
