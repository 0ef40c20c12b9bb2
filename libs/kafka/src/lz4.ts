/**
 * LZ4, frames and blocks (github.com/lz4/lz4, doc/lz4_Frame_format.md and lz4_Block_format.md), as record batches carry it.
 *
 *   frame => magic 0x184D2204 LE · FLG · BD · [content size 8] · header checksum 1 · blocks · 0 uint32 · [content checksum 4]
 *   block => size uint32 LE (highest bit: stored as it is) · data · [block checksum 4]
 *   data  => sequences of: token (literals << 4 | match - 4) · [more literals] · literals · offset uint16 LE · [more match]
 *            the last one ends after its literals; 15 in the token goes on in bytes of up to 255 each
 */
const MAGIC = 0x184d2204;
/** Version 1, independent blocks, no checksums (the batch has one); blocks of 64 KiB; and the header's checksum of just these two bytes. */
const HEADER: readonly number[] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
const BLOCK_BYTES = 64 * 1024;
const STORED = 0x8000_0000;

const FLAG_BLOCK_CHECKSUM = 0x10;
const FLAG_CONTENT_SIZE = 0x08;
const FLAG_DICTIONARY = 0x01;

const HASH_BITS = 13;
const MIN_MATCH = 4;
/** No match begins in the last 12 bytes of a block, and its last 5 are literals. */
const NO_MATCH_BYTES = 12;
const LAST_LITERALS = 5;

/** A block of incompressible bytes grows by this at most. */
const blockBound = (bytes: number): number => bytes + Math.ceil(bytes / 255) + 16;

/** Compresses into one buffer that is used again and again. */
export class Lz4Compressor {
  /** Where in the block a sequence of four bytes was seen last, plus one. */
  readonly #seen = new Uint32Array(1 << HASH_BITS);
  #out = Buffer.alloc(0);

  /** A frame; a view that the next call overwrites. */
  compress(data: Uint8Array): Buffer {
    const bound = HEADER.length + 4 + Math.ceil(data.length / BLOCK_BYTES) * (4 + blockBound(BLOCK_BYTES));
    if (this.#out.length < bound) this.#out = Buffer.allocUnsafeSlow(bound);
    const out = this.#out;
    out.set(HEADER, 0);
    let at = HEADER.length;
    for (let start = 0; start < data.length; start += BLOCK_BYTES) {
      const end = Math.min(start + BLOCK_BYTES, data.length);
      const packed = this.#block(data, start, end, at + 4) - at - 4;
      if (packed < end - start) {
        out.writeUInt32LE(packed, at);
        at += 4 + packed;
      } else {
        out.writeUInt32LE((end - start + STORED) >>> 0, at);
        out.set(data.subarray(start, end), at + 4);
        at += 4 + end - start;
      }
    }
    return out.subarray(0, out.writeUInt32LE(0, at));
  }

  /** Writes data[start, end) as one block at `at`; returns the position after it. */
  #block(data: Uint8Array, start: number, end: number, at: number): number {
    const out = this.#out;
    const seen = this.#seen.fill(0);
    const matchLimit = end - LAST_LITERALS;
    const searchEnd = end - NO_MATCH_BYTES;
    let to = at;
    let anchor = start;
    let misses = 0;
    for (let i = start; i < searchEnd; ) {
      const four = word(data, i);
      const slot = Math.imul(four, 0x9e37_79b1) >>> (32 - HASH_BITS);
      const from = start + (seen[slot] as number) - 1;
      seen[slot] = i - start + 1;
      if (from < start || word(data, from) !== four) {
        // The longer nothing is found, the larger the steps.
        i += 1 + (misses++ >> 6);
        continue;
      }
      misses = 0;
      let length = MIN_MATCH;
      while (i + length < matchLimit && data[from + length] === data[i + length]) length++;
      to = writeSequence(out, to, data, anchor, i, length);
      to = writeOffset(out, to, i - from, length);
      i += length;
      anchor = i;
    }
    return writeSequence(out, to, data, anchor, end, MIN_MATCH);
  }
}

function word(data: Uint8Array, i: number): number {
  return (
    (data[i] as number) |
    ((data[i + 1] as number) << 8) |
    ((data[i + 2] as number) << 16) |
    ((data[i + 3] as number) << 24)
  );
}

/** Token and literals data[anchor, end). */
function writeSequence(out: Buffer, at: number, data: Uint8Array, anchor: number, end: number, match: number): number {
  const literals = end - anchor;
  let to = at;
  out[to++] = (Math.min(literals, 15) << 4) | Math.min(match - MIN_MATCH, 15);
  if (literals >= 15) to = writeMore(out, to, literals - 15);
  if (literals > 32) {
    out.set(data.subarray(anchor, end), to);
    return to + literals;
  }
  for (let i = anchor; i < end; i++) out[to++] = data[i] as number;
  return to;
}

function writeOffset(out: Buffer, at: number, offset: number, match: number): number {
  out[at] = offset & 0xff;
  out[at + 1] = offset >> 8;
  return match - MIN_MATCH >= 15 ? writeMore(out, at + 2, match - MIN_MATCH - 15) : at + 2;
}

function writeMore(out: Buffer, at: number, length: number): number {
  let to = at;
  let left = length;
  for (; left >= 255; left -= 255) out[to++] = 255;
  out[to++] = left;
  return to;
}

/** Unpacks one frame. @throws RangeError for what is no frame, or unpacks to more than `maxBytes`. */
export function decompressLz4(frame: Buffer, maxBytes: number): Buffer {
  if (frame.length < HEADER.length || frame.readUInt32LE(0) !== MAGIC) throw new RangeError('not an LZ4 frame');
  const flags = frame[4] as number;
  if (flags >> 6 !== 1 || (flags & FLAG_DICTIONARY) !== 0) throw new RangeError(`LZ4 frame with flags ${flags}`);
  const checksumBytes = (flags & FLAG_BLOCK_CHECKSUM) === 0 ? 0 : 4;
  const output = new Output(frame.length * 4, maxBytes);
  let at = 6 + ((flags & FLAG_CONTENT_SIZE) === 0 ? 0 : 8) + 1;
  for (;;) {
    const size = frame.readUInt32LE(at);
    at += 4;
    if (size === 0) return output.written();
    const end = at + (size & 0x7fff_ffff);
    if (end > frame.length) throw new RangeError('LZ4 block beyond the end of its frame');
    if (size >= STORED) output.copy(frame, at, end);
    else unpackBlock(frame, at, end, output);
    at = end + checksumBytes;
  }
}

/** What was unpacked so far, growing; matches look back into it. */
class Output {
  buffer: Buffer;
  position = 0;
  readonly #maxBytes: number;

  constructor(initialBytes: number, maxBytes: number) {
    this.buffer = Buffer.allocUnsafeSlow(Math.min(initialBytes, maxBytes));
    this.#maxBytes = maxBytes;
  }

  room(bytes: number): void {
    const needed = this.position + bytes;
    if (needed <= this.buffer.length) return;
    if (needed > this.#maxBytes) throw new RangeError(`LZ4 frame of more than ${this.#maxBytes} bytes`);
    const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(needed, this.buffer.length * 2), this.#maxBytes));
    larger.set(this.buffer.subarray(0, this.position), 0);
    this.buffer = larger;
  }

  copy(source: Buffer, start: number, end: number): void {
    this.room(end - start);
    this.buffer.set(source.subarray(start, end), this.position);
    this.position += end - start;
  }

  /** Repeats what stands `offset` bytes back; it may overlap what is written. */
  repeat(offset: number, length: number): void {
    if (offset === 0 || offset > this.position)
      throw new RangeError(`LZ4 match ${offset} bytes back of ${this.position}`);
    this.room(length);
    const { buffer, position } = this;
    if (offset >= length) buffer.copyWithin(position, position - offset, position - offset + length);
    else for (let i = position; i < position + length; i++) buffer[i] = buffer[i - offset] as number;
    this.position = position + length;
  }

  written(): Buffer {
    return this.buffer.subarray(0, this.position);
  }
}

function unpackBlock(frame: Buffer, start: number, end: number, output: Output): void {
  let at = start;
  const more = (): number => {
    let length = 0;
    let byte = 255;
    while (byte === 255) {
      if (at >= end) throw new RangeError('LZ4 length beyond the end of its block');
      byte = frame[at++] as number;
      length += byte;
    }
    return length;
  };
  while (at < end) {
    const token = frame[at++] as number;
    const literals = token >> 4 === 15 ? 15 + more() : token >> 4;
    if (at + literals > end) throw new RangeError('LZ4 literals beyond the end of their block');
    output.copy(frame, at, at + literals);
    at += literals;
    if (at === end) return;
    if (at + 2 > end) throw new RangeError('LZ4 block ends within an offset');
    const offset = (frame[at] as number) | ((frame[at + 1] as number) << 8);
    at += 2;
    const match = MIN_MATCH + ((token & 15) === 15 ? 15 + more() : token & 15);
    output.repeat(offset, match);
  }
}
