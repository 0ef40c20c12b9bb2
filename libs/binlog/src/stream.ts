import { TaplineError } from '@tapline/kernel';
import { type DumpConnection, openDump } from './connection.ts';
import { Decoder, type DecoderOptions } from './decoder.ts';
import { corrupt, locateEventError } from './event-errors.ts';
import { binlogReset } from './last-event.ts';
import { PacketQueue } from './packets.ts';
import { PayloadStack } from './payload-cursor.ts';
import { readErrPacket, sourceError } from './server-errors.ts';
import { Spill } from './spill.ts';
import type { BinlogEvent, BinlogStart, BinlogStats, BinlogStream, BinlogStreamOptions } from './types.ts';
import { EVENT_TYPE } from './wire-types.ts';

/** Binlog bytes a pull works through at most: a bound on how long one keeps the event loop. */
const PULL_BYTES = 1 << 20;
const MIN_SILENCE_MS = 10_000;

/** What the server, or the decoder, says of a start that is no event's. */
const NOT_THERE: ReadonlySet<string> = new Set(['SOURCE_DUMP_REFUSED', 'SOURCE_EVENT_CORRUPT']);

const PACKET = { EVENT: 0x00, EOF: 0xfe, ERROR: 0xff };

/**
 * Connects, checks what the server must have, and asks for the dump. The signal ends it at any time.
 * Throws SOURCE_ACCESS_DENIED, SOURCE_MISSING_GRANT, SOURCE_UNREACHABLE, SOURCE_TLS, SOURCE_BINLOG_OFF, SOURCE_GTID_OFF, SOURCE_GTID_INVALID,
 * SOURCE_PURGED, SOURCE_BEHIND, SOURCE_BINLOG_RESET, SOURCE_DUMP_REFUSED, SOURCE_FAILED; the last ones may also come from the first pull.
 */
export async function openBinlogStream(options: BinlogStreamOptions, signal: AbortSignal): Promise<BinlogStream> {
  const connection = await openDump(options, signal);
  return new SocketStream(options, connection, signal);
}

export class SocketStream implements BinlogStream {
  readonly #options: BinlogStreamOptions;
  readonly #connection: DumpConnection;
  readonly #signal: AbortSignal;
  readonly #spill: Spill;
  readonly #packets: PacketQueue;
  readonly #decoder: Decoder;
  readonly #silenceMs: number;
  readonly #abort: () => void;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  readonly #payloads = new PayloadStack();
  #paused = false;
  /** A pull has failed: the bytes behind are not looked at any more. */
  #broken = false;
  #bytes = 0;
  #events = 0;
  #pauses = 0;

  constructor(options: BinlogStreamOptions, connection: DumpConnection, signal: AbortSignal) {
    this.#options = options;
    this.#connection = connection;
    this.#signal = signal;
    this.#silenceMs = Math.max(MIN_SILENCE_MS, options.heartbeatMs * 4);
    this.#spill = new Spill({ folder: options.spillFolder ?? '' });
    this.#packets = new PacketQueue(this.#spill);
    this.#decoder = new Decoder({
      spill: this.#spill,
      wants: (database, table) => options.wants(database, table),
      file: 'file' in options.start ? options.start.file : '',
      checksums: connection.checksums,
      ...byFile(options.start),
    });
    this.#abort = () => this.#fail(signal.reason);
    signal.addEventListener('abort', this.#abort, { once: true });
    connection.onFailure((error) => this.#fail(error));
    connection.socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    connection.socket.resume();
  }

  get stats(): BinlogStats {
    return {
      bytes: this.#bytes,
      events: this.#events,
      skippedRowsEvents: this.#decoder.skippedRowsEvents,
      heldBytes: this.#packets.bytes,
      waitingBytes: this.#spill.memoryBytes,
      spilledBytes: this.#spill.fileBytes,
      pauses: this.#pauses,
    };
  }

  async pull(): Promise<readonly BinlogEvent[]> {
    this.#signal.throwIfAborted();
    const out: BinlogEvent[] = [];
    try {
      for (;;) {
        if (this.#broken) throw this.#failure?.error;
        if (this.#payloads.isEmpty) this.#decodePackets(out);
        else await this.#decodePayloads(out);
        if (out.length > 0) break;
        if (!this.#payloads.isEmpty) continue;
        // What arrived before a connection broke is delivered first: the failure comes when nothing is left.
        if (this.#failure !== undefined) throw this.#failure.error;
        if (!this.#nextPacketIsHere) await this.#more();
      }
    } catch (thrown) {
      this.#fail(this.#coded(thrown));
      this.#broken = true;
      // What is whole in front of a failure is delivered; the next pull says why there is no more.
      if (out.length === 0) throw this.#failure?.error;
    }
    this.#resume();
    return out;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener('abort', this.#abort);
    this.#failure ??= { error: new TaplineError('INTERNAL', { message: 'The binlog stream was closed' }) };
    this.#wake?.();
    await this.#connection.close();
    this.#spill[Symbol.dispose]();
  }

  #nextPacketIsHere = false;

  /** What fails before the event in front of the start was found there, fails because the file is another one. */
  #coded(error: unknown): unknown {
    const { start } = this.#options;
    if (!this.#decoder.waitsForStart || !('file' in start) || !(error instanceof TaplineError)) return error;
    return NOT_THERE.has(error.code) ? binlogReset(start, error.message, error) : error;
  }

  #decodePackets(out: BinlogEvent[]): void {
    let budget = PULL_BYTES;
    const packets = this.#packets;
    this.#nextPacketIsHere = true;
    while (budget > 0 && this.#payloads.isEmpty) {
      if (!this.#nextPacket()) {
        this.#nextPacketIsHere = false;
        return;
      }
      const { buffer, start, end, spilled } = packets;
      budget -= end - start;
      this.#bytes += end - start;
      const status = buffer[start];
      if (status !== PACKET.EVENT || start === end) throw this.#endOfDump(buffer, start, end);
      this.#events++;
      if (spilled === undefined) this.#decoder.decode(buffer, start + 1, end, out);
      else this.#decoder.decodeSpilled(spilled);
      this.#payloads.takeFrom(this.#decoder);
    }
  }

  #nextPacket(): boolean {
    try {
      return this.#packets.next();
    } catch (error) {
      throw locateEventError(error, EVENT_TYPE.UNKNOWN, this.#decoder.position);
    }
  }

  async #decodePayloads(out: BinlogEvent[]): Promise<void> {
    let budget = PULL_BYTES;
    while (budget > 0 && !this.#payloads.isEmpty) budget -= await this.#payloads.decodePiece(this.#decoder, out);
  }

  /** EOF or ERR in place of an event. */
  #endOfDump(buffer: Buffer, start: number, end: number): TaplineError {
    const { address } = this.#options;
    const { file, position } = this.#decoder.position;
    const place = `${file}:${position}`;
    if (buffer[start] === PACKET.ERROR) return sourceError(readErrPacket(buffer, start, end), address, place);
    if (buffer[start] === PACKET.EOF && end - start < 9) {
      const ended = { code: 'PROTOCOL_CONNECTION_LOST', message: 'the server ended the stream' };
      return sourceError(ended, address, place);
    }
    const error = corrupt(`a packet starts with byte ${buffer[start] ?? 'none'}`);
    return locateEventError(error, EVENT_TYPE.UNKNOWN, this.#decoder.position);
  }

  #receive(chunk: Buffer): void {
    this.#packets.push(chunk);
    if (this.#packets.bytes >= this.#options.bufferBytes && !this.#paused) {
      this.#paused = true;
      this.#pauses++;
      this.#connection.socket.pause();
    }
    this.#wake?.();
  }

  #resume(): void {
    if (!this.#paused || this.#packets.bytes >= this.#options.bufferBytes) return;
    this.#paused = false;
    this.#connection.socket.resume();
  }

  /** Waits for bytes, a failure, or too long a silence. */
  async #more(): Promise<void> {
    this.#resume();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      const silence = { code: 'ETIMEDOUT', message: `no heartbeat for ${this.#silenceMs} ms` };
      this.#fail(sourceError(silence, this.#options.address));
    }, this.#silenceMs);
    this.#wake = resolve;
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#wake = undefined;
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }
}

function byFile(start: BinlogStart): Pick<DecoderOptions, 'byFile'> {
  if (!('file' in start)) return {};
  return { byFile: start.last === undefined ? {} : { expected: { ...start.last, end: start.position } } };
}
