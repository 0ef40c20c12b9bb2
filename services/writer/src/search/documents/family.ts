import { isObject } from '../classify.ts';

type Json = Readonly<Record<string, unknown>>;

/** What one row says of one document. */
export interface Part {
  /** Member of the document; undefined: the root row. */
  readonly as?: string;
  /** Of the row, in a list. */
  readonly key?: string;
  readonly version: bigint;
  /** The row as JSON; null: the row is not (or no more) of this document. */
  readonly row: string | null;
  /** Of a root row: the rows that it refers to, by member. */
  readonly references?: Readonly<Record<string, string | null>>;
}

/** A row that was looked up, as it is known. */
export interface Looked {
  readonly version: bigint;
  readonly row: string | null;
}

/** `full`: taking the row would break a limit, so that the document stays as it was. */
export type Taken = 'taken' | 'stale' | 'full';

export interface FamilyLimits {
  /** Members that are lists, and members that are looked up, in the order in which the document has them. */
  readonly lists: readonly string[];
  readonly looked: readonly string[];
  readonly maxItems: number;
  readonly maxBytes: number;
  /** How long versions of rows that left are remembered. */
  readonly forgetSeconds: number;
}

interface Root {
  version: bigint;
  row: string | null;
}

interface Item {
  readonly version: bigint;
  readonly row: string | null;
  /** Seconds since 1970 at which the row left. */
  readonly gone?: number;
}

interface Reference extends Looked {
  readonly to: string;
}

/**
 * All that one document is made of, each row with its version: what the store keeps, so that every change can be put in its place whatever came before. A row
 * that left stays behind as a version, so that who comes late with an older one does not bring it back.
 *
 * Rows are texts, as they will stand in the document: as JavaScript values numbers would lose digits.
 */
export class Family {
  readonly id: string;
  readonly #limits: FamilyLimits;
  #serial: number;
  #root: Root | undefined;
  readonly #lists: ReadonlyMap<string, Map<string, Item>>;
  readonly #references = new Map<string, Reference>();
  #bytes = 0;
  #changed = false;

  /** @param source what `text` gave; undefined: nothing is known of the document yet. */
  constructor(id: string, source: Json | undefined, limits: FamilyLimits) {
    this.id = id;
    this.#limits = limits;
    this.#serial = Number(source?.['serial'] ?? 0);
    this.#lists = new Map(limits.lists.map((as) => [as, new Map<string, Item>()]));
    if (source !== undefined) this.#read(source);
  }

  /** Since it was made of what the store has. */
  get changed(): boolean {
    return this.#changed;
  }

  /** Grows with each text that is written. */
  get serial(): number {
    return this.#serial;
  }

  /** Whether there is, or ever was, a row of the root table. */
  get known(): boolean {
    return this.#root !== undefined;
  }

  take(part: Part, nowSeconds: number): Taken {
    return part.as === undefined ? this.#takeRoot(part) : this.#takeItem(part.as, part, nowSeconds);
  }

  /** The rows that it refers to now, by member. */
  references(): Iterable<readonly [as: string, reference: Reference]> {
    return this.#references;
  }

  /** Puts a looked-up row in its place where it is newer. */
  look(as: string, to: string, { version, row }: Looked): void {
    const reference = this.#references.get(as);
    if (reference?.to !== to || reference.version >= version) return;
    this.#bytes += sizeOf(row) - sizeOf(reference.row);
    this.#references.set(as, { to, version, row });
    this.#changed = true;
  }

  /** What the store is to keep. The serial goes on from the clock, so that documents made anew are above those that were lost. */
  text(nowMs: number): string {
    this.#forget(nowMs);
    this.#serial = Math.max(this.#serial + 1, nowMs * 1000);
    const keys: Record<string, string> = {};
    const versions: Record<string, string> = {};
    const looked: Record<string, string | null> = {};
    for (const [as, { to, version, row }] of this.#references) {
      keys[as] = to;
      versions[as] = String(version);
      looked[as] = row;
    }
    const items = [...this.#lists].map(([as, list]) => [as, [...list].map(storedItem)] as const);
    const root = this.#root === undefined ? null : { version: String(this.#root.version), row: this.#root.row };
    return JSON.stringify({
      family: this.id,
      serial: this.#serial,
      keys,
      versions,
      root,
      items: Object.fromEntries(items),
      looked,
    });
  }

  /** The document; undefined: there is none, because the root row is not there. */
  document(): string | undefined {
    const row = this.#root?.row ?? null;
    if (row === null) return undefined;
    const members: string[] = row === '{}' ? [] : [row.slice(1, -1)];
    for (const [as, list] of this.#lists) members.push(`${JSON.stringify(as)}:[${rowsOf(list).join(',')}]`);
    for (const as of this.#limits.looked)
      members.push(`${JSON.stringify(as)}:${this.#references.get(as)?.row ?? 'null'}`);
    return `{${members.join(',')}}`;
  }

  #takeRoot({ version, row, references = {} }: Part): Taken {
    if (this.#root !== undefined && version <= this.#root.version) return 'stale';
    const bytes = this.#bytes + sizeOf(row) - sizeOf(this.#root?.row);
    if (row !== null && bytes > this.#limits.maxBytes) return 'full';
    this.#bytes = bytes;
    this.#root = { version, row };
    this.#refer(references);
    this.#changed = true;
    return 'taken';
  }

  #takeItem(as: string, { key = '', version, row }: Part, nowSeconds: number): Taken {
    const list = this.#lists.get(as) as Map<string, Item>;
    const held = list.get(key);
    if (held !== undefined && version <= held.version) return 'stale';
    const bytes = this.#bytes + sizeOf(row) - sizeOf(held?.row);
    if (row !== null && (bytes > this.#limits.maxBytes || !this.#hasRoom(list, held))) return 'full';
    this.#bytes = bytes;
    list.set(key, row === null ? { version, row, gone: nowSeconds } : { version, row });
    this.#changed = true;
    return 'taken';
  }

  #hasRoom(list: ReadonlyMap<string, Item>, held: Item | undefined): boolean {
    if (list.size < this.#limits.maxItems || (held !== undefined && held.row !== null)) return true;
    return list.values().reduce((count, { row }) => (row === null ? count : count + 1), 0) < this.#limits.maxItems;
  }

  /** What it refers to anew is not known until it is looked up. */
  #refer(references: Readonly<Record<string, string | null>>): void {
    for (const as of this.#limits.looked) {
      const to = references[as] ?? null;
      const held = this.#references.get(as);
      if (held?.to === to) continue;
      this.#bytes -= sizeOf(held?.row);
      if (to === null) this.#references.delete(as);
      else this.#references.set(as, { to, version: 0n, row: null });
    }
  }

  #forget(nowMs: number): void {
    const until = Math.floor(nowMs / 1000) - this.#limits.forgetSeconds;
    for (const list of this.#lists.values())
      for (const [key, { gone }] of list) if (gone !== undefined && gone < until) list.delete(key);
  }

  #read({ root, items, keys, versions, looked }: Json): void {
    if (isObject(root)) this.#root = { version: BigInt(String(root['version'])), row: rowOf(root['row']) };
    this.#bytes += sizeOf(this.#root?.row);
    for (const [as, list] of this.#lists) {
      const stored = isObject(items) ? items[as] : undefined;
      for (const item of Array.isArray(stored) ? stored : []) this.#readItem(list, item);
    }
    if (!isObject(keys) || !isObject(versions) || !isObject(looked)) return;
    for (const as of this.#limits.looked) {
      const to = keys[as];
      if (typeof to !== 'string') continue;
      const row = rowOf(looked[as]);
      this.#references.set(as, { to, version: BigInt(String(versions[as])), row });
      this.#bytes += sizeOf(row);
    }
  }

  #readItem(list: Map<string, Item>, item: unknown): void {
    if (!isObject(item)) return;
    const { key, version, row, gone } = item;
    const held = { version: BigInt(String(version)), row: rowOf(row) };
    list.set(String(key), typeof gone === 'number' ? { ...held, gone } : held);
    this.#bytes += sizeOf(held.row);
  }
}

function storedItem([key, { version, row, gone }]: readonly [string, Item]): object {
  return { key, version: String(version), ...(row === null ? { gone } : { row }) };
}

function rowsOf(list: ReadonlyMap<string, Item>): string[] {
  const rows = [...list].flatMap(([key, { row }]) => (row === null ? [] : [{ key, row }]));
  return rows.sort((one, other) => compareKeys(one.key, other.key)).map(({ row }) => row);
}

/** Keys of several columns column by column; numbers by what they are worth, in front of texts. */
export function compareKeys(one: string, other: string): number {
  const [ones, others] = [one.split(':'), other.split(':')];
  for (const [at, text] of ones.entries()) {
    const order = compareTexts(text, others[at] ?? '');
    if (order !== 0) return order;
  }
  return ones.length - others.length;
}

const WHOLE = /^-?\d{1,40}$/;

function compareTexts(one: string, other: string): number {
  const [isNumber, isOther] = [WHOLE.test(one), WHOLE.test(other)];
  if (isNumber && isOther) {
    const [value, than] = [BigInt(one), BigInt(other)];
    if (value !== than) return value < than ? -1 : 1;
  } else if (isNumber !== isOther) return isNumber ? -1 : 1;
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function rowOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function sizeOf(row: string | null | undefined): number {
  return row === null || row === undefined ? 0 : Buffer.byteLength(row);
}
