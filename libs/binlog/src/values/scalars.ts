/** BIT(n): (n + 7) / 8 bytes, most significant first. */
export function readBit(buffer: Buffer, offset: number, length: number): bigint {
  let value = 0n;
  for (let i = 0; i < length; i++) value = (value << 8n) | BigInt(buffer[offset + i]!);
  return value;
}

/** ENUM: the member's number from 1; 0 is the empty value of an invalid insert. 1 or 2 bytes, least first. */
export function readEnum(buffer: Buffer, offset: number, length: number): number {
  return length === 1 ? buffer[offset]! : buffer.readUInt16LE(offset);
}

/** SET: a bit for each member, the first member's least. 1, 2, 3, 4 or 8 bytes, least first. */
export function readSet(buffer: Buffer, offset: number, length: number): bigint {
  let value = 0n;
  for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(buffer[offset + i]!);
  return value;
}

/** GEOMETRY: SRID u32 least first · WKB. The WKB shares the buffer. */
export function readGeometry(
  buffer: Buffer,
  offset: number,
  length: number,
): { readonly srid: number; readonly wkb: Buffer } {
  return { srid: buffer.readUInt32LE(offset), wkb: buffer.subarray(offset + 4, offset + length) };
}

/** VECTOR: floats of 4 bytes, least first. */
export function readVector(buffer: Buffer, offset: number, length: number): Float32Array {
  const values = new Float32Array(length >> 2);
  for (let i = 0; i < values.length; i++) values[i] = buffer.readFloatLE(offset + i * 4);
  return values;
}
