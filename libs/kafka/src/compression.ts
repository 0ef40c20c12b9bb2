import { promisify } from 'node:util';
import { gunzipSync, zstdCompress, zstdDecompressSync } from 'node:zlib';
import { decompressLz4, Lz4Compressor } from './lz4.ts';
import { decompressSnappy } from './snappy.ts';

/** What the producer can write. Topics may hold gzip and snappy too, written by others. */
export const COMPRESSIONS = ['none', 'lz4', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** The codec in the attributes of a batch (kafka.apache.org/documentation/#recordbatch, bits 0 to 2). */
const CODEC = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/** Bytes a batch may unpack to: beyond that the data is damaged or hostile. */
const MAX_UNPACKED_BYTES = 1024 * 1024 * 1024;

export interface Compressor {
  readonly codec: number;
  /** What it returns may be overwritten by the next call. */
  compress(records: Buffer): Buffer | Promise<Buffer>;
}

const zstd = promisify(zstdCompress);

/** Undefined for none. lz4 works at once, zstd on Node's threads meanwhile. */
export function compressorFor(compression: Compression): Compressor | undefined {
  if (compression === 'none') return undefined;
  if (compression === 'zstd')
    return { codec: CODEC.zstd, compress: (records) => zstd(records, { pledgedSrcSize: records.length }) };
  const lz4 = new Lz4Compressor();
  return { codec: CODEC.lz4, compress: (records) => lz4.compress(records) };
}

/** The records of a batch as they were before. @throws what the codec throws for damaged data. */
export function decompress(data: Buffer, codec: number): Buffer {
  switch (codec) {
    case CODEC.none:
      return data;
    case CODEC.gzip:
      return gunzipSync(data, { maxOutputLength: MAX_UNPACKED_BYTES });
    case CODEC.snappy:
      return decompressSnappy(data, MAX_UNPACKED_BYTES);
    case CODEC.lz4:
      return decompressLz4(data, MAX_UNPACKED_BYTES);
    case CODEC.zstd:
      return zstdDecompressSync(data, { maxOutputLength: MAX_UNPACKED_BYTES });
    default:
      throw new RangeError(`compression ${codec} is not known`);
  }
}
