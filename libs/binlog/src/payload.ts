import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress, zstdDecompressSync } from 'node:zlib';
import { corrupt, unsupported } from './event-errors.ts';
import { EventReader } from './event-reader.ts';
import type { SpillLog } from './spill.ts';
import type { BinlogPosition } from './types.ts';

/** Events that are fed to the decoder in place of what comes next in the stream: whole events one behind the other, without checksums. */
export interface PayloadInfo {
  /** The place that all of them have. */
  readonly position: BinlogPosition;
  readonly compressed: boolean;
  readonly uncompressedBytes: number | undefined;
  /** `held`: rows of an XA transaction, given out because it commits. */
  readonly origin: 'event' | 'held';
  /** The bytes in order; a piece stays valid. */
  pieces(): Iterable<Buffer>;
  /** To be called when they are not needed any more. */
  dispose(): void;
}

const FIELD = { END: 0, PAYLOAD_SIZE: 1, COMPRESSION: 2, UNCOMPRESSED_SIZE: 3 };
const COMPRESSION = { ZSTD: 0, NONE: 255 };

interface PayloadFields {
  readonly size: number | undefined;
  readonly compressed: boolean;
  readonly uncompressedBytes: number | undefined;
}

/**
 * TRANSACTION_PAYLOAD (Transaction_payload_event, payload_event_buffer codecs):
 *   fields until type 0: packed type · packed length · value (a packed integer): 1 payload size, 2 compression (0 zstd, 255 none),
 *   3 uncompressed size · the payload: whole events, without checksums of their own
 */
function readFields(reader: EventReader): PayloadFields {
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
  return { size, compressed: compression === COMPRESSION.ZSTD, uncompressedBytes };
}

export function readPayload(reader: EventReader, position: BinlogPosition): PayloadInfo {
  const { size, compressed, uncompressedBytes } = readFields(reader);
  const bytes = reader.bytes(size ?? reader.remaining, 'payload');
  return { position, compressed, uncompressedBytes, origin: 'event', pieces: () => [bytes], dispose: () => undefined };
}

/** The same of an event whose body lies in `body`, which goes with the payload. */
export function readSpilledPayload(body: SpillLog, position: BinlogPosition): PayloadInfo {
  // The fields take some ten bytes; unknown ones that fill a whole piece are no fields.
  const [first = Buffer.alloc(0)] = body.pieces();
  const reader = new EventReader().reset(first, 0, first.length);
  const { size, compressed, uncompressedBytes } = readFields(reader);
  const from = reader.offset;
  const bytes = size ?? body.length - from;
  if (bytes > body.length - from)
    throw corrupt(`payload needs ${bytes} bytes, the event has ${body.length - from} left`);
  return {
    position,
    compressed,
    uncompressedBytes,
    origin: 'event',
    pieces: () => range(body.pieces(), from, bytes),
    dispose: () => body[Symbol.dispose](),
  };
}

/** Events that were held back. */
export function heldPayload(events: SpillLog, position: BinlogPosition): PayloadInfo {
  return {
    position,
    compressed: false,
    uncompressedBytes: events.length,
    origin: 'held',
    pieces: () => events.pieces(),
    dispose: () => events[Symbol.dispose](),
  };
}

/** `bytes` bytes from `from` on. */
function* range(pieces: Iterable<Buffer>, from: number, bytes: number): Generator<Buffer> {
  let skip = from;
  let left = bytes;
  for (const piece of pieces) {
    const part = piece.subarray(skip, skip + left);
    skip = Math.max(0, skip - piece.length);
    left -= part.length;
    if (part.length > 0) yield part;
    if (left === 0) return;
  }
}

/** A payload up to this size is decompressed in one go: waiting for zlib's thread would cost a small transaction more. */
const AT_ONCE_BYTES = 1 << 20;
const PIECE_BYTES = 256 * 1024;
/** zlib takes no smaller one. */
const MIN_CHUNK_BYTES = 64;

/** The payload's events as bytes, piece by piece: memory is bounded by a piece, however large the transaction. */
export async function* payloadPieces(payload: PayloadInfo): AsyncGenerator<Buffer> {
  const { compressed, uncompressedBytes } = payload;
  if (!compressed) {
    yield* payload.pieces();
    return;
  }
  if (uncompressedBytes !== undefined && uncompressedBytes > 0 && uncompressedBytes <= AT_ONCE_BYTES) {
    yield decompressAtOnce(Buffer.concat([...payload.pieces()]), uncompressedBytes);
    return;
  }
  const zstd = createZstdDecompress({ chunkSize: PIECE_BYTES });
  const input = Readable.from(payload.pieces(), { objectMode: true, highWaterMark: 1 });
  // Its failure comes out of the loop below as well.
  pipeline(input, zstd).catch(() => undefined);
  let seen = 0;
  try {
    for await (const piece of zstd as AsyncIterable<Buffer>) {
      seen += piece.length;
      if (uncompressedBytes !== undefined && seen > uncompressedBytes) break;
      yield piece;
    }
  } finally {
    input.destroy();
    zstd.destroy();
  }
  if (uncompressedBytes !== undefined && seen !== uncompressedBytes) {
    throw sizeMismatch(seen, uncompressedBytes);
  }
}

function decompressAtOnce(bytes: Buffer, announced: number): Buffer {
  let plain: Buffer;
  try {
    // One buffer for all of it, and a byte more, so that zlib sees the end without another: a quarter less time than piece by piece.
    const chunkSize = Math.max(MIN_CHUNK_BYTES, announced + 1);
    plain = zstdDecompressSync(bytes, { maxOutputLength: announced, chunkSize });
  } catch (error) {
    throw corrupt(`the payload does not decompress (${error instanceof Error ? error.message : 'unknown'})`);
  }
  if (plain.length !== announced) throw sizeMismatch(plain.length, announced);
  return plain;
}

function sizeMismatch(seen: number, announced: number): Error {
  return corrupt(`${seen} bytes decompressed, ${announced} announced`);
}
