import type { Socket } from 'node:net';
import type { SqlServer } from '@tapline/test-stack';
import { CpuMeter } from './processes.ts';
import type { Measurement } from './report.ts';
import type { BinlogEnd } from './rows.ts';

const COM_BINLOG_DUMP = 0x12;
/** Ends with an EOF packet where a replica would wait for more. */
const NON_BLOCK = 0x01;
const EOF = 0xfe;
const ERROR = 0xff;

/** The limit of any reader: the same binlog taken from the socket, cut into packets and thrown away. */
export async function measureDrain(mysql: SqlServer, start: BinlogEnd, rows: number): Promise<Measurement> {
  const mysqld = new CpuMeter({ mysqld: mysql.process.pid });
  const cpu = process.cpuUsage();
  let bytes = 0;
  const seconds = await drainBinlog(mysql, start, (chunk) => {
    bytes += chunk.length;
  });
  const { user, system } = process.cpuUsage(cpu);
  return {
    what: 'binlog from the socket, undecoded',
    rows,
    seconds,
    cpuSeconds: { client: (user + system) / 1e6, ...mysqld.used() },
    figures: { mibPerSecond: bytes / seconds / 2 ** 20 },
  };
}

/**
 * Takes everything from `start` to the binlog's end, with checksums, as it comes from the socket.
 *
 * @returns the seconds from the request to the end.
 */
export async function drainBinlog(mysql: SqlServer, start: BinlogEnd, take: (chunk: Buffer) => void): Promise<number> {
  const connection = await mysql.connect();
  try {
    // The server sends checksums only to who says that it knows them.
    await connection.query("SET @source_binlog_checksum = 'CRC32', @master_binlog_checksum = 'CRC32'");
    const socket = (connection as unknown as { connection: { stream: Socket } }).connection.stream;
    const started = performance.now();
    await dump(socket, start, take);
    return (performance.now() - started) / 1000;
  } finally {
    connection.destroy();
  }
}

/**
 * COM_BINLOG_DUMP (MySQL Internals, "Replication protocol"): 0x12, position int<4>, flags int<2>, server id int<4>, file string<EOF>. The answer is
 * a packet an event; each packet is length int<3>, sequence int<1>, payload, whose first byte is 0x00, 0xfe (EOF) or 0xff (error).
 */
async function dump(socket: Socket, { file, position }: BinlogEnd, take: (chunk: Buffer) => void): Promise<void> {
  const payload = Buffer.alloc(11 + file.length);
  payload.writeUInt8(COM_BINLOG_DUMP, 0);
  payload.writeUInt32LE(position, 1);
  payload.writeUInt16LE(NON_BLOCK, 5);
  payload.writeUInt32LE(4_000_000_000 + process.pid, 7);
  payload.write(file, 11, 'latin1');
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  socket.removeAllListeners('data');
  await new Promise<void>((resolve, reject) => {
    const cutter = new PacketCutter((kind) => {
      if (kind === EOF) resolve();
      if (kind === ERROR) reject(new Error('the server refused the dump'));
    });
    socket.on('data', (chunk: Buffer) => {
      take(chunk);
      cutter.take(chunk);
    });
    socket.once('close', () => reject(new Error('the server closed the connection')));
    socket.write(Buffer.concat([header, payload]));
  });
}

/** Finds the packets' borders in a stream of chunks; tells the first byte of each payload. */
export class PacketCutter {
  readonly #onPacket: (firstByte: number) => void;
  /** Payload bytes left of the packet at hand. */
  #left = 0;
  /** The packet at hand has not shown its first byte yet. */
  #fresh = false;
  #header: number[] = [];

  constructor(onPacket: (firstByte: number) => void) {
    this.#onPacket = onPacket;
  }

  take(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        if (this.#fresh) this.#onPacket(chunk[at] as number);
        this.#fresh = false;
        const step = Math.min(this.#left, chunk.length - at);
        this.#left -= step;
        at += step;
        continue;
      }
      this.#header.push(chunk[at++] as number);
      if (this.#header.length < 4) continue;
      const [low = 0, middle = 0, high = 0] = this.#header;
      this.#left = low | (middle << 8) | (high << 16);
      this.#fresh = true;
      this.#header = [];
    }
  }
}
