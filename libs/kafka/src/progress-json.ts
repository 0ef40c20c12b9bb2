import { zstdDecompressSync } from 'node:zlib';

/** What a zstd frame begins with (RFC 8878), as no JSON does. */
const ZSTD_MAGIC = 0xfd2f_b528;

/** A progress record as the reader wrote it: JSON, with zstd around it when it is long. @throws what is wrong with the bytes. */
export function progressJson(bytes: Uint8Array): unknown {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const isPacked = buffer.length > 4 && buffer.readUInt32LE(0) === ZSTD_MAGIC;
  return JSON.parse((isPacked ? zstdDecompressSync(buffer) : buffer).toString());
}
