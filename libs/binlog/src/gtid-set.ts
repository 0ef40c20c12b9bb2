import { TaplineError } from '@tapline/kernel';

/** Inclusive bounds. */
interface Interval {
  first: bigint;
  last: bigint;
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/;
const TAG = /^[a-z_][a-z0-9_]{0,31}$/;
const NUMBER = /^[0-9]{1,19}$/;
const MAX_NUMBER = 2n ** 63n - 1n;

/**
 * A set of MySQL GTIDs, as of `gtid_executed`: for each source uuid (and, since 8.3, tag) intervals of transaction numbers. Numbers are
 * 63-bit and kept exact. `add` changes the set; everything else gives a new one.
 *
 * Text (manual, "GTID Sets"): `uuid:1-5:7:tag:1-3,uuid:…`, white space anywhere between parts, a tag counts for the intervals behind it.
 */
export class GtidSet {
  /** Key: `uuid` or `uuid:tag`, lower case. Intervals are sorted, disjoint and not adjacent. */
  readonly #sources = new Map<string, Interval[]>();

  /** @throws TaplineError SOURCE_GTID_INVALID */
  static parse(text: string): GtidSet {
    const set = new GtidSet();
    for (const entry of text.toLowerCase().replace(/\s+/g, '').split(',')) {
      if (entry === '') continue;
      const [uuid = '', ...items] = entry.split(':');
      let source = normalUuid(uuid, text);
      if (items.length === 0) throw invalid(text, `"${entry}" has no interval`);
      for (const item of items) {
        if (TAG.test(item)) source = `${normalUuid(uuid, text)}:${item}`;
        else set.#insert(source, parseInterval(item, text));
      }
    }
    return set;
  }

  get isEmpty(): boolean {
    return this.#sources.size === 0;
  }

  /** The number of transactions. */
  get size(): bigint {
    let size = 0n;
    for (const intervals of this.#sources.values()) for (const { first, last } of intervals) size += last - first + 1n;
    return size;
  }

  /** Adds one transaction, `uuid:42` or `uuid:tag:42`. In order of commit this costs one lookup. @throws SOURCE_GTID_INVALID */
  add(gtid: string): void {
    const { source, number } = parseGtid(gtid);
    const last = this.#sources.get(source)?.at(-1);
    if (last !== undefined && last.last + 1n === number) last.last = number;
    else this.#insert(source, { first: number, last: number });
  }

  /** Whether this one transaction is in the set. @throws SOURCE_GTID_INVALID */
  contains(gtid: string): boolean {
    const { source, number } = parseGtid(gtid);
    return this.#sources.get(source)?.some(({ first, last }) => first <= number && number <= last) ?? false;
  }

  /** Whether every transaction of `other` is in this set. */
  includes(other: GtidSet): boolean {
    return other.subtract(this).isEmpty;
  }

  equals(other: GtidSet): boolean {
    return this.toString() === other.toString();
  }

  union(other: GtidSet): GtidSet {
    const result = new GtidSet();
    for (const set of [this, other]) {
      for (const [source, intervals] of set.#sources) {
        for (const interval of intervals) result.#insert(source, { ...interval });
      }
    }
    return result;
  }

  /** What is in this set and not in `other`. */
  subtract(other: GtidSet): GtidSet {
    const result = new GtidSet();
    for (const [source, intervals] of this.#sources) {
      const left = subtractIntervals(intervals, other.#sources.get(source) ?? []);
      if (left.length > 0) result.#sources.set(source, left);
    }
    return result;
  }

  /** As the server prints it, without its line breaks: uuids sorted, untagged intervals first, then tags sorted. */
  toString(): string {
    let text = '';
    let uuidBefore = '';
    for (const source of [...this.#sources.keys()].sort()) {
      const uuid = source.slice(0, 36);
      if (uuid === uuidBefore) text += source.slice(36);
      else text += (text === '' ? '' : ',') + source;
      uuidBefore = uuid;
      for (const { first, last } of this.#sources.get(source)!)
        text += first === last ? `:${first}` : `:${first}-${last}`;
    }
    return text;
  }

  /** Takes ownership of `added`. */
  #insert(source: string, added: Interval): void {
    const intervals = this.#sources.get(source);
    if (intervals === undefined) {
      this.#sources.set(source, [added]);
      return;
    }
    // All that touch the new one become one with it.
    const from = firstIndex(intervals, added.first - 1n);
    let to = from;
    for (; to < intervals.length && intervals[to]!.first <= added.last + 1n; to++) {
      const touched = intervals[to]!;
      if (touched.first < added.first) added.first = touched.first;
      if (touched.last > added.last) added.last = touched.last;
    }
    intervals.splice(from, to - from, added);
  }
}

/** Index of the first interval that ends at `number` or behind it. */
function firstIndex(intervals: readonly Interval[], number: bigint): number {
  let low = 0;
  let high = intervals.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (intervals[middle]!.last < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

function subtractIntervals(from: readonly Interval[], without: readonly Interval[]): Interval[] {
  const result: Interval[] = [];
  for (const { first, last } of from) {
    let start = first;
    for (let i = firstIndex(without, first); i < without.length && without[i]!.first <= last; i++) {
      const hole = without[i]!;
      if (hole.first > start) result.push({ first: start, last: hole.first - 1n });
      start = hole.last + 1n;
    }
    if (start <= last) result.push({ first: start, last });
  }
  return result;
}

function parseGtid(gtid: string): { readonly source: string; readonly number: bigint } {
  const colon = gtid.lastIndexOf(':');
  const source = gtid.slice(0, Math.max(colon, 0)).toLowerCase();
  const number = parseNumber(gtid.slice(colon + 1), gtid);
  const tag = source.slice(37);
  if (
    source[8] !== '-' ||
    !UUID.test(source.slice(0, 36)) ||
    (source.length > 36 && (source[36] !== ':' || !TAG.test(tag)))
  ) {
    throw invalid(gtid, 'it is not uuid:number or uuid:tag:number');
  }
  return { source, number };
}

function parseInterval(item: string, text: string): Interval {
  const [firstText = '', lastText = firstText, ...more] = item.split('-');
  const first = parseNumber(firstText, text);
  const last = parseNumber(lastText, text);
  if (more.length > 0 || last < first) throw invalid(text, `"${item}" is no interval`);
  return { first, last };
}

function parseNumber(digits: string, text: string): bigint {
  const number = NUMBER.test(digits) ? BigInt(digits) : 0n;
  if (number < 1n || number > MAX_NUMBER) throw invalid(text, `"${digits}" is no transaction number`);
  return number;
}

/** With dashes: the server takes uuids without them. */
function normalUuid(uuid: string, text: string): string {
  if (!UUID.test(uuid)) throw invalid(text, `"${uuid}" is no uuid`);
  const hex = uuid.replaceAll('-', '');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function invalid(text: string, why: string): TaplineError {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return new TaplineError('SOURCE_GTID_INVALID', { message: `"${shown}" is not a GTID set: ${why}` });
}
