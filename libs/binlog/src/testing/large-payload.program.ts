import { createCipheriv, createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { constants, crc32, createZstdCompress } from 'node:zlib';
import { Decoder } from '../decoder.ts';
import { PacketQueue } from '../packets.ts';
import { PayloadStack } from '../payload-cursor.ts';
import { Spill } from '../spill.ts';
import type { BinlogEvent } from '../types.ts';
import { EVENT_TYPE } from '../wire-types.ts';
import { eventBytes, eventHeader, gtid, hex, query, XID } from './build-events.ts';

/*
 * A program: reads one compressed transaction with rows of random bytes, far larger than what may be held in memory, through the same code as a stream
 * does, and prints what it has cost. A process of its own, because the memory of a process is what is measured.
 * Arguments: megabytes, and `damaged` for a checksum that does not fit.
 */

const [megabytes = '256', damaged = ''] = process.argv.slice(2);
const ROW_BYTES = 64 * 1024;
const ROWS = Number(megabytes) * 16;
const CHUNK_BYTES = 64 * 1024;

/** d.t (a LONGBLOB), table id 7. */
const MAP = eventBytes({
  type: EVENT_TYPE.TABLE_MAP,
  body: `070000000000 0100 01 ${hex('d')} 00 01 ${hex('t')} 00 01 fc 01 04 01`,
});

/** The transaction's events: as many row events as there are rows. The same bytes each time. */
function* events(): Generator<Buffer> {
  const random = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  yield eventBytes(query('BEGIN'));
  yield MAP;
  const zeros = Buffer.alloc(ROW_BYTES);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(ROW_BYTES);
  const head = Buffer.concat([Buffer.from('07000000000001000200 01 ff 00'.replaceAll(' ', ''), 'hex'), length]);
  for (let row = 0; row < ROWS; row++) {
    yield Buffer.concat([eventHeader(EVENT_TYPE.WRITE_ROWS, head.length + ROW_BYTES), head, random.update(zeros)]);
  }
  yield eventBytes(XID);
}

function compressed(): AsyncIterable<Buffer> {
  const params = { [constants.ZSTD_c_compressionLevel]: 1 };
  return Readable.from(events(), { objectMode: true, highWaterMark: 1 }).pipe(createZstdCompress({ params }));
}

/** The TRANSACTION_PAYLOAD event, in pieces. Its length stands in front, so everything is compressed twice. */
async function* payloadEvent(): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const piece of compressed()) bytes += piece.length;
  // Compression type 0, then the end of the fields.
  const head = Buffer.concat([
    eventHeader(EVENT_TYPE.TRANSACTION_PAYLOAD, 4 + bytes + 4),
    Buffer.from('02010000', 'hex'),
  ]);
  let crc = crc32(head);
  yield head;
  for await (const piece of compressed()) {
    crc = crc32(piece, crc);
    yield piece;
  }
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(damaged === '' ? crc : crc ^ 1);
  yield sum;
}

/** As the server sends it: MySQL packets of at most 16 MB. */
async function* chunks(): AsyncGenerator<Buffer> {
  const event = eventBytes({ ...gtid(), checksum: true });
  const header = Buffer.from([event.length + 1, 0, 0, 0]);
  yield Buffer.concat([header, Buffer.alloc(1), event]);
  let packet: Buffer[] = [Buffer.alloc(1)];
  let filled = 1;
  const cut = function* (last: boolean): Generator<Buffer> {
    const bytes = Buffer.concat(packet);
    const end = last ? bytes.length : 0xffffff;
    const length = Buffer.alloc(4);
    length.writeUIntLE(end, 0, 3);
    yield length;
    for (let at = 0; at < end; at += CHUNK_BYTES) yield bytes.subarray(at, Math.min(end, at + CHUNK_BYTES));
    packet = [bytes.subarray(end)];
    filled = bytes.length - end;
  };
  for await (const piece of payloadEvent()) {
    packet.push(piece);
    filled += piece.length;
    while (filled >= 0xffffff) yield* cut(false);
  }
  yield* cut(true);
}

const spill = new Spill();
const queue = new PacketQueue(spill);
const decoder = new Decoder({ wants: () => true, file: 'f', checksums: true, spill });
const payloads = new PayloadStack();
const seen: Hash = createHash('sha1');
let rows = 0;
let spilledBytes = 0;

function take(out: readonly BinlogEvent[]): void {
  for (const event of out) {
    if (event.kind !== 'rows') continue;
    while (event.next()) {
      rows++;
      const at = event.after.offsets[0]!;
      seen.update(event.after.buffer.subarray(at, at + event.after.lengths[0]!));
    }
  }
}

async function read(): Promise<string> {
  for await (const chunk of chunks()) {
    queue.push(chunk);
    while (queue.next()) {
      const { spilled, buffer, start, end } = queue;
      if (spilled === undefined) decoder.decode(buffer, start + 1, end, []);
      else decoder.decodeSpilled(spilled);
      payloads.takeFrom(decoder);
      spilledBytes = Math.max(spilledBytes, spill.fileBytes);
      while (!payloads.isEmpty) {
        const out: BinlogEvent[] = [];
        await payloads.decodePiece(decoder, out);
        take(out);
      }
    }
  }
  return 'ok';
}

const outcome = await read().catch((error: unknown) => (error as { code?: string }).code ?? String(error));
const expected = createHash('sha1');
const random = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
const zeros = Buffer.alloc(ROW_BYTES);
for (let row = 0; row < ROWS; row++) expected.update(random.update(zeros));
console.log(
  JSON.stringify({
    outcome,
    rows,
    same: seen.digest('hex') === expected.digest('hex'),
    spilledBytes,
    leftBytes: spill.fileBytes,
    maxRssMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);
