import { corrupt } from '../event-errors.ts';
import { isJsonInlined, JSON_TYPE, JsonBytes } from './json-layout.ts';

/**
 * A value as it lies in binary JSON, `at` behind its type. Its bytes refer to nothing outside of themselves, so they can be copied into
 * another container as they are.
 */
export interface JsonRaw {
  readonly kind: 'raw';
  readonly type: number;
  readonly bytes: JsonBytes;
  readonly at: number;
}

/** A container that was opened, because a difference leads into it. `keys` of an object in the order of its members: length, then bytes. */
interface JsonOpened {
  readonly kind: 'object' | 'array';
  readonly keys: Buffer[];
  readonly values: JsonNode[];
  /** Set by `measure`: bytes behind the type, and whether offsets take 4 bytes. */
  size: number;
  wide: boolean;
}

export type JsonNode = JsonRaw | JsonOpened;

/** A step of a path: a member's name, or an array's cell counted from the front or from the last one. */
export type JsonLeg = { readonly member: Buffer } | { readonly cell: number; readonly fromLast: boolean };

/** Where a value stands: `root` has the whole document as its only cell. */
interface Slot {
  readonly holder: JsonOpened;
  readonly index: number;
}

/**
 * A JSON document that is changed in few places: only the containers on the way to them are opened, all else stays bytes.
 * The work is bounded by the bytes of the document and of the values put into it, whatever those bytes say.
 */
export class JsonTree {
  readonly #root: JsonOpened;
  /** A container's entries take 3 bytes each at least and are opened once: more are needed only where values share their bytes. */
  #entriesLeft = 0;
  #bytesLeft = 0;

  constructor(buffer: Buffer, start: number, end: number) {
    this.#root = opened('array');
    this.#root.values.push(this.value(buffer, start, end));
  }

  /** A value to be put into this document: type u8, then the value, in `buffer[start, end)`. */
  value(buffer: Buffer, start: number, end: number): JsonRaw {
    if (end <= start) throw corrupt('a JSON value of no bytes');
    this.#entriesLeft += end - start;
    // A container that becomes large has 2 bytes more in each entry, key and integer.
    this.#bytesLeft += 2 * (end - start) + 16;
    return { kind: 'raw', type: buffer[start]!, bytes: new JsonBytes(buffer, end), at: start + 1 };
  }

  replace(path: readonly JsonLeg[], value: JsonRaw): void {
    const { holder, index } = this.#find(path);
    holder.values[index] = value;
  }

  remove(path: readonly JsonLeg[]): void {
    const { holder, index } = this.#find(path);
    if (holder === this.#root) throw corrupt('a JSON difference that removes the document');
    holder.values.splice(index, 1);
    if (holder.kind === 'object') holder.keys.splice(index, 1);
  }

  insert(path: readonly JsonLeg[], value: JsonRaw): void {
    const leg = path.at(-1);
    if (leg === undefined) throw corrupt('a JSON difference that inserts nowhere');
    const into = this.#open(this.#find(path.slice(0, -1)));
    if (into.kind === 'array' && 'cell' in leg) {
      into.values.splice(cellIndex(leg, into.values.length), 0, value);
      return;
    }
    if (into.kind !== 'object' || !('member' in leg))
      throw corrupt('a JSON difference that inserts into another kind of value');
    const index = memberIndex(into.keys, leg.member);
    if (into.keys[index]?.equals(leg.member) === true)
      throw corrupt('a JSON difference that inserts a member that is there');
    this.#bytesLeft += leg.member.length + 16;
    into.keys.splice(index, 0, leg.member);
    into.values.splice(index, 0, value);
  }

  /** The document in binary form, type in front. */
  toBuffer(): Buffer {
    const root = this.#root.values[0]!;
    const size = this.#measure(root);
    if (size > this.#bytesLeft) throw corrupt('JSON values that share their bytes');
    const out = Buffer.allocUnsafe(1 + size);
    out[0] = typeOf(root);
    this.#write(root, out, 1);
    return out;
  }

  #find(path: readonly JsonLeg[]): Slot {
    let slot: Slot = { holder: this.#root, index: 0 };
    for (const leg of path) {
      const at = this.#step(slot, leg);
      if (at === undefined) throw corrupt('a JSON difference at a path that the value before does not have');
      slot = at;
    }
    return slot;
  }

  #step(slot: Slot, leg: JsonLeg): Slot | undefined {
    const node = slot.holder.values[slot.index]!;
    const isContainer = node.kind !== 'raw' || node.type <= JSON_TYPE.LARGE_ARRAY;
    const holder = isContainer ? this.#open(slot) : undefined;
    if ('member' in leg) {
      if (holder?.kind !== 'object') return undefined;
      const index = memberIndex(holder.keys, leg.member);
      return holder.keys[index]?.equals(leg.member) === true ? { holder, index } : undefined;
    }
    // What is no array counts as an array of itself.
    if (holder?.kind !== 'array') return leg.cell === 0 ? slot : undefined;
    if (leg.cell >= holder.values.length) return undefined;
    return { holder, index: cellIndex(leg, holder.values.length) };
  }

  #open({ holder, index }: Slot): JsonOpened {
    const node = holder.values[index]!;
    if (node.kind !== 'raw') return node;
    if (node.type > JSON_TYPE.LARGE_ARRAY) throw corrupt('a JSON difference that leads into a scalar');
    const { bytes } = node;
    const container = bytes.container(node.type, node.at);
    const { count, isObject, wide } = container;
    this.#entriesLeft -= count;
    if (this.#entriesLeft < 0) throw corrupt('JSON values that share their bytes');
    const into = opened(isObject ? 'object' : 'array');
    for (let i = 0; i < count; i++) {
      if (isObject) {
        const length = bytes.keyLength(container, i);
        const at = bytes.keyAt(container, i, length);
        into.keys.push(bytes.buffer.subarray(at, at + length));
      }
      const type = bytes.entryType(container, i);
      into.values.push({ kind: 'raw', type, bytes, at: bytes.valueAt(container, i, isJsonInlined(type, wide)) });
    }
    holder.values[index] = into;
    return into;
  }

  /** Bytes of a value behind its type. Small containers where everything fits 64 KiB, as MySQL does it. */
  #measure(node: JsonNode): number {
    if (node.kind === 'raw') return rawSize(node);
    const { keys, values } = node;
    let outside = 0;
    let inlinedIfWide = 0;
    for (const value of values) {
      const size = this.#measure(value);
      const type = typeOf(value);
      if (isJsonInlined(type, false)) continue;
      if (isJsonInlined(type, true)) inlinedIfWide += size;
      else outside += size;
      if (outside > this.#bytesLeft) throw corrupt('JSON values that share their bytes');
    }
    for (const key of keys) outside += key.length;
    const heads = (width: number): number => 2 * width + keys.length * (width + 2) + values.length * (1 + width);
    const small = heads(2) + outside + inlinedIfWide;
    node.wide = small > 0xffff;
    node.size = node.wide ? heads(4) + outside : small;
    return node.size;
  }

  /** Writes a measured value and returns its end. */
  #write(node: JsonNode, out: Buffer, start: number): number {
    if (node.kind === 'raw') {
      const { bytes, at } = node;
      return start + bytes.buffer.copy(out, start, at, at + rawSize(node));
    }
    const { keys, values, wide } = node;
    const width = wide ? 4 : 2;
    const entries = start + 2 * width + keys.length * (width + 2);
    out.writeUIntLE(values.length, start, width);
    out.writeUIntLE(node.size, start + width, width);
    let at = entries + values.length * (1 + width);
    for (const [i, key] of keys.entries()) {
      const entry = start + 2 * width + i * (width + 2);
      out.writeUIntLE(at - start, entry, width);
      out.writeUInt16LE(key.length, entry + width);
      at += key.copy(out, at);
    }
    for (const [i, value] of values.entries()) {
      const entry = entries + i * (1 + width);
      const type = typeOf(value);
      out[entry] = type;
      out.fill(0, entry + 1, entry + 1 + width);
      if (isJsonInlined(type, wide)) this.#write(value, out, entry + 1);
      else {
        out.writeUIntLE(at - start, entry + 1, width);
        at = this.#write(value, out, at);
      }
    }
    return at;
  }
}

function opened(kind: JsonOpened['kind']): JsonOpened {
  return { kind, keys: [], values: [], size: 0, wide: false };
}

function typeOf(node: JsonNode): number {
  if (node.kind === 'raw') return node.type;
  if (node.kind === 'object') return node.wide ? JSON_TYPE.LARGE_OBJECT : JSON_TYPE.SMALL_OBJECT;
  return node.wide ? JSON_TYPE.LARGE_ARRAY : JSON_TYPE.SMALL_ARRAY;
}

function rawSize({ type, bytes, at }: JsonRaw): number {
  const size = scalarSize(type) ?? variableSize(type, bytes, at);
  bytes.need(at, size);
  return size;
}

function scalarSize(type: number): number | undefined {
  switch (type) {
    case JSON_TYPE.LITERAL:
      return 1;
    case JSON_TYPE.INT16:
    case JSON_TYPE.UINT16:
      return 2;
    case JSON_TYPE.INT32:
    case JSON_TYPE.UINT32:
      return 4;
    case JSON_TYPE.INT64:
    case JSON_TYPE.UINT64:
    case JSON_TYPE.DOUBLE:
      return 8;
    default:
      return undefined;
  }
}

function variableSize(type: number, bytes: JsonBytes, at: number): number {
  if (type <= JSON_TYPE.LARGE_ARRAY) return bytes.container(type, at).size;
  if (type !== JSON_TYPE.STRING && type !== JSON_TYPE.OPAQUE) throw corrupt(`JSON value type ${type}`);
  const { start, length } = bytes.length(type === JSON_TYPE.OPAQUE ? at + 1 : at);
  return start + length - at;
}

/** Where the member is, or would be. */
function memberIndex(keys: readonly Buffer[], member: Buffer): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const key = keys[middle]!;
    const order = key.length - member.length || key.compare(member);
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Beyond either end of the array: that end. */
function cellIndex({ cell, fromLast }: { cell: number; fromLast: boolean }, length: number): number {
  return fromLast ? Math.max(0, length - 1 - cell) : Math.min(cell, length);
}
