import { TaplineError } from '@tapline/kernel';
import type { Change, Row } from '@tapline/sink';
import { compileTemplate, type Template } from '../naming/template.ts';
import type { SearchConfig } from './config.ts';

/** Where a row's document is. */
export interface Location {
  readonly index: string;
  readonly id: string;
  /** undefined: by the id. */
  readonly routing: string | undefined;
}

const MAX_ID_BYTES = 512;
const MAX_INDEX_BYTES = 255;
const ROW_PLACEHOLDER = /\$\{(row|after)\./;

/** A document's name out of a change. Where index or routing come from the row, a row's document moves when those columns change. */
export class Locator {
  /** Whether columns outside the key say where a document is. */
  readonly moves: boolean;
  readonly #index: Template;
  readonly #id: Template;
  readonly #routing: Template | undefined;
  /** Names of indexes that were looked at: few, and asked for with every row. */
  readonly #names = new Map<string, string>();

  constructor({ index, id, routing }: Pick<SearchConfig, 'index' | 'id' | 'routing'>) {
    this.#index = compileTemplate(index, { path: 'sink.index', row: true, nullText: 'none' });
    this.#id = compileTemplate(id, { path: 'sink.id', row: false, nullText: '' });
    this.#routing =
      routing === undefined
        ? undefined
        : compileTemplate(routing, { path: 'sink.routing', row: true, nullText: 'none' });
    this.moves = ROW_PLACEHOLDER.test(index) || (routing !== undefined && ROW_PLACEHOLDER.test(routing));
  }

  /** @throws TaplineError SINK_SEARCH_ID, SINK_SEARCH_INDEX_NAME (poison); SINK_KEY. */
  at(change: Change, row: Row | null): Location {
    const id = this.#id(change);
    // Beside the bytes' limit of the store: a text of UTF-16 units has at most three times as many bytes.
    if (id.length === 0 || (id.length * 3 > MAX_ID_BYTES && Buffer.byteLength(id) > MAX_ID_BYTES)) {
      throw new TaplineError('SINK_SEARCH_ID', {
        message: `The id of a document must have 1 to ${MAX_ID_BYTES} bytes; sink.id gives ${Buffer.byteLength(id)}.`,
        place: { topic: change.topic, path: 'sink.id' },
      });
    }
    return { index: this.#nameOf(this.#index(change, row), change), id, routing: this.#routing?.(change, row) };
  }

  #nameOf(text: string, change: Change): string {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const name = text.toLowerCase();
    const problem = problemOf(name);
    if (problem !== undefined) {
      throw new TaplineError('SINK_SEARCH_INDEX_NAME', {
        message: `sink.index gives ${JSON.stringify(text)}, which is no name of an index: it ${problem}.`,
        place: { topic: change.topic, path: 'sink.index' },
      });
    }
    this.#names.set(text, name);
    return name;
  }
}

/** The rules of "Create index API", path parameters. */
function problemOf(name: string): string | undefined {
  if (name === '' || name === '.' || name === '..') return 'is empty or a dot';
  if (/[\\/*?"<>| ,#:]/.test(name)) return String.raw`has one of \ / * ? " < > | , # : or a blank`;
  if (/^[-_+]/.test(name)) return 'begins with - _ or +';
  return Buffer.byteLength(name) > MAX_INDEX_BYTES ? `is longer than ${MAX_INDEX_BYTES} bytes` : undefined;
}

export function sameLocation(one: Location, other: Location): boolean {
  return one.index === other.index && one.routing === other.routing;
}
