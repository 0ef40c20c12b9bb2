/**
 * Unpacks snappy (github.com/google/snappy, format_description.txt), plain or in the framing that Java's clients write (snappy-java,
 * SnappyOutputStream): 0x82 "SNAPPY" 0 · version int32 · compatible int32 · (length int32 · block)…
 *
 *   block   => length varint (unsigned) · elements
 *   element => tag; its two low bits: 0 literal · 1 copy, 1 byte of offset · 2 copy, 2 bytes · 3 copy, 4 bytes
 */
const FRAME_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const FRAME_HEADER_BYTES = 16;

/** @throws RangeError for what is not snappy, or unpacks to more than `maxBytes`. */
export function decompressSnappy(data: Buffer, maxBytes: number): Buffer {
  if (!data.subarray(0, FRAME_MAGIC.length).equals(FRAME_MAGIC)) return unpackBlock(data, maxBytes);
  const blocks: Buffer[] = [];
  let left = maxBytes;
  for (let at = FRAME_HEADER_BYTES; at < data.length; ) {
    const length = data.readInt32BE(at);
    at += 4;
    if (length < 0 || at + length > data.length) throw new RangeError('snappy block beyond the end of its frame');
    const block = unpackBlock(data.subarray(at, at + length), left);
    left -= block.length;
    blocks.push(block);
    at += length;
  }
  return Buffer.concat(blocks);
}

function unpackBlock(data: Buffer, maxBytes: number): Buffer {
  let [length, at] = readLength(data);
  if (length > maxBytes) throw new RangeError(`snappy block of ${length} bytes`);
  const out = Buffer.allocUnsafeSlow(length);
  let to = 0;
  while (at < data.length) {
    const tag = data.readUInt8(at++);
    const kind = tag & 3;
    if (kind === 0) {
      length = tag >> 2;
      if (length >= 60) {
        const bytes = length - 59;
        length = data.readUIntLE(at, bytes);
        at += bytes;
      }
      length++;
      if (at + length > data.length || to + length > out.length) throw new RangeError('snappy literal beyond its end');
      out.set(data.subarray(at, at + length), to);
      at += length;
    } else {
      length = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
      const offset = kind === 1 ? ((tag >> 5) << 8) | data.readUInt8(at) : data.readUIntLE(at, kind === 2 ? 2 : 4);
      at += kind === 3 ? 4 : kind;
      if (offset === 0 || offset > to || to + length > out.length) throw new RangeError('snappy copy beyond its end');
      for (let i = to; i < to + length; i++) out[i] = out[i - offset] as number;
    }
    to += length;
  }
  if (to !== out.length) throw new RangeError(`snappy block of ${to} bytes instead of ${out.length}`);
  return out;
}

function readLength(data: Buffer): [length: number, at: number] {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = data.readUInt8(i);
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return [length, i + 1];
  }
  throw new RangeError('snappy length of more than 32 bits');
}
