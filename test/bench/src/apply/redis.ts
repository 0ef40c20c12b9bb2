import { connect, type Socket } from 'node:net';
import type { RedisServer } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import { measured } from '../processes.ts';
import type { Measurement } from '../report.ts';
import { rowOf, TABLE } from '../rows.ts';
import { Recorder } from './recorder.ts';
import { type RespCommand, respCommands } from './resp.ts';
import type { ApplyRun, ApplyStack, OpenStore } from './store.ts';

/** So many rows are under way on a raw socket at once: Redis always has the next ones. */
const WINDOW_ROWS = 4000;
const PLAIN_ROWS_PER_WRITE = 1000;
/** Of each run: until then the writer's process compiles itself. */
const UNCOUNTED_SHARE = 0.2;

/**
 * Redis. The limits: the very commands that the writer sent, recorded on their way and sent again from memory; and the rows' HSETs, which compare no
 * versions.
 */
export async function openRedis(stack: ApplyStack): Promise<OpenStore> {
  const server = await stack.add('redis');
  const recorder = await Recorder.open(server.port);
  let recorded: readonly RespCommand[] = [];
  const empty = (): Promise<unknown> => asked(server, (redis) => redis.flushall());
  return {
    process: server.process,
    uncountedShare: UNCOUNTED_SHARE,
    async sink({ run }) {
      await empty();
      return { type: 'redis', address: run === 0 ? `127.0.0.1:${recorder.port}` : server.address.address };
    },
    async check({ rows, run }) {
      const keys = await asked(server, (redis) => redis.dbsize());
      if (keys !== rows) throw new Error(`Redis holds ${keys} keys instead of ${rows}`);
      if (run === 0) recorded = recorder.take().flatMap((bytes) => respCommands(bytes).filter(isWrite));
    },
    async limits({ rows }: ApplyRun) {
      const wanted = { server, rows };
      await empty();
      const same = await measureRaw('the same commands on a raw socket', writesOf(recorded), wanted);
      await empty();
      return [same, await measureRaw('plain HSETs on a raw socket', plainWrites(rows), wanted)];
    },
    async [Symbol.asyncDispose]() {
      await recorder[Symbol.asyncDispose]();
      await server.stop();
    },
  };
}

async function asked<T>(server: RedisServer, ask: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(server.port);
  try {
    return await ask(redis);
  } finally {
    redis.disconnect();
  }
}

/** The first calls came again as EVAL, with the script, which the server knows since: their rows are in the calls already. */
function isWrite({ name }: RespCommand): boolean {
  return name === 'EVALSHA';
}

/** One write to the socket, and what it is answered with. */
interface Write {
  readonly bytes: Buffer;
  readonly rows: number;
  /** Lines of the answers. */
  readonly lines: number;
}

/** A script call: its second argument is the number of its keys, one a row; where each row is applied the answer is one line. */
function writesOf(commands: readonly RespCommand[]): Write[] {
  return commands.map(({ bytes, third }) => ({ bytes, rows: Number(third), lines: 1 }));
}

function plainWrites(rows: number): Write[] {
  const writes: Write[] = [];
  for (let from = 1; from <= rows; from += PLAIN_ROWS_PER_WRITE) {
    const count = Math.min(PLAIN_ROWS_PER_WRITE, rows - from + 1);
    writes.push({ bytes: Buffer.from(hsets(from, count), 'latin1'), rows: count, lines: count });
  }
  return writes;
}

/** HSET sbtest1:ID id … k … c … pad … as RESP; all texts are ASCII, so that lengths are bytes. */
function hsets(from: number, count: number): string {
  let out = '';
  for (let i = from; i < from + count; i++) {
    const { k, c, pad } = rowOf(i);
    const id = String(i);
    const key = `${TABLE}:${id}`;
    out += `*10\r\n$4\r\nHSET\r\n${bulk(key)}$2\r\nid\r\n${bulk(id)}$1\r\nk\r\n${bulk(String(k))}$1\r\nc\r\n${bulk(c)}$3\r\npad\r\n${bulk(pad)}`;
  }
  return out;
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

async function measureRaw(
  what: string,
  writes: readonly Write[],
  { server, rows }: { server: RedisServer; rows: number },
): Promise<Measurement> {
  const socket = connect(server.port, '127.0.0.1');
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  try {
    const [uncounted, counted] = parted(writes, rows * UNCOUNTED_SHARE);
    await writeAll(socket, uncounted);
    const measurement = await measured({ what, rows: rowsOf(counted), servers: { redis: server.process.pid } }, () =>
      writeAll(socket, counted),
    );
    const keys = await asked(server, (redis) => redis.dbsize());
    if (keys !== rows) throw new Error(`${what}: Redis holds ${keys} keys instead of ${rows}`);
    return measurement;
  } finally {
    socket.destroy();
  }
}

/** The writes of the first so many rows, and the rest. */
function parted(writes: readonly Write[], rows: number): [first: readonly Write[], rest: readonly Write[]] {
  let count = 0;
  for (let left = rows; left > 0 && count < writes.length; count++) left -= (writes[count] as Write).rows;
  return [writes.slice(0, count), writes.slice(count)];
}

function rowsOf(writes: readonly Write[]): number {
  return writes.reduce((sum, write) => sum + write.rows, 0);
}

const LINE_FEED = 10;

/** Resolves when all is answered. */
async function writeAll(socket: Socket, writes: readonly Write[]): Promise<void> {
  const lines = writes.reduce((sum, write) => sum + write.lines, 0);
  let next = 0;
  let rowsWritten = 0;
  let answeredLines = 0;
  let settled = 0;
  let linesBelow = 0;
  let rowsAnswered = 0;
  const writeMore = (): void => {
    while (settled < next && linesBelow + (writes[settled] as Write).lines <= answeredLines) {
      const { rows, lines: more } = writes[settled++] as Write;
      linesBelow += more;
      rowsAnswered += rows;
    }
    while (next < writes.length && rowsWritten < rowsAnswered + WINDOW_ROWS) {
      const write = writes[next++] as Write;
      rowsWritten += write.rows;
      socket.write(write.bytes);
    }
  };
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('Redis closed the connection')));
    socket.on('data', (chunk: Buffer) => {
      for (const byte of chunk) if (byte === LINE_FEED) answeredLines++;
      if (answeredLines >= lines) resolve();
      else writeMore();
    });
    writeMore();
  });
}
