import { createZstdDecompress, zstdDecompressSync } from 'node:zlib';
import { corrupt, unsupported } from './event-errors.ts';
import type { EventReader } from './event-reader.ts';
import type { BinlogPosition } from './types.ts';

export interface PayloadInfo {
  /** Of the TRANSACTION_PAYLOAD event. */
  readonly position: BinlogPosition;
  readonly compressed: boolean;
  readonly bytes: Buffer;
  readonly uncompressedBytes: number | undefined;
}

const FIELD = { END: 0, PAYLOAD_SIZE: 1, COMPRESSION: 2, UNCOMPRESSED_SIZE: 3 };
const COMPRESSION = { ZSTD: 0, NONE: 255 };

/**
 * TRANSACTION_PAYLOAD (Transaction_payload_event, payload_event_buffer codecs):
 *   fields until type 0: packed type · packed length · value (a packed integer): 1 payload size, 2 compression (0 zstd, 255 none),
 *   3 uncompressed size · the payload: whole events, without checksums of their own
 */
export function readPayload(reader: EventReader, position: BinlogPosition): PayloadInfo {
  let size: number | undefined;
  let compression = COMPRESSION.NONE;
  let uncompressedBytes: number | undefined;
  for (;;) {
    const type = reader.packed('payload field type');
    if (type === FIELD.END) break;
    const length = reader.packed('payload field length');
    const end = reader.offset + length;
    if (length > reader.remaining) throw corrupt(`a payload field of ${length} bytes in ${reader.remaining}`);
    if (type === FIELD.PAYLOAD_SIZE) size = reader.packed('payload size');
    else if (type === FIELD.COMPRESSION) compression = reader.packed('compression type');
    else if (type === FIELD.UNCOMPRESSED_SIZE) uncompressedBytes = reader.packed('uncompressed size');
    if (reader.offset > end) throw corrupt('a payload field overruns its length');
    reader.take(end - reader.offset, 'payload field');
  }
  if (compression !== COMPRESSION.ZSTD && compression !== COMPRESSION.NONE) {
    throw unsupported(`compression type ${compression}`, 'Set binlog_transaction_compression=OFF on the source.');
  }
  const bytes = reader.bytes(size ?? reader.remaining, 'payload');
  return { position, compressed: compression === COMPRESSION.ZSTD, bytes, uncompressedBytes };
}

/** A payload up to this size is decompressed in one go: waiting for zlib's thread would cost a small transaction more. */
const AT_ONCE_BYTES = 1 << 20;

/** The payload's events as bytes, piece by piece: memory is bounded by a piece, however large the transaction. */
export async function* payloadPieces(payload: PayloadInfo): AsyncGenerator<Buffer> {
  const { bytes, compressed, uncompressedBytes } = payload;
  if (!compressed) {
    yield bytes;
    return;
  }
  if (uncompressedBytes !== undefined && uncompressedBytes > 0 && uncompressedBytes <= AT_ONCE_BYTES) {
    yield decompressAtOnce(bytes, uncompressedBytes);
    return;
  }
  const zstd = createZstdDecompress({ chunkSize: 256 * 1024 });
  let seen = 0;
  try {
    zstd.end(bytes);
    for await (const piece of zstd as AsyncIterable<Buffer>) {
      seen += piece.length;
      if (uncompressedBytes !== undefined && seen > uncompressedBytes) break;
      yield piece;
    }
  } finally {
    zstd.destroy();
  }
  if (uncompressedBytes !== undefined && seen !== uncompressedBytes) {
    throw sizeMismatch(seen, uncompressedBytes);
  }
}

function decompressAtOnce(bytes: Buffer, announced: number): Buffer {
  let plain: Buffer;
  try {
    plain = zstdDecompressSync(bytes, { maxOutputLength: announced });
  } catch (error) {
    throw corrupt(`the payload does not decompress (${error instanceof Error ? error.message : 'unknown'})`);
  }
  if (plain.length !== announced) throw sizeMismatch(plain.length, announced);
  return plain;
}

function sizeMismatch(seen: number, announced: number): Error {
  return corrupt(`${seen} bytes decompressed, ${announced} announced`);
}
