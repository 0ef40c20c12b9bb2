import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { TaplineError } from '@tapline/kernel';
import { readTlsMaterial } from '@tapline/mysql';
import ZongJi from '@vlasky/zongji';
import { GtidSet } from './gtid-set.ts';
import { MariadbPosition } from './mariadb-position.ts';
import { preflight, type Query } from './preflight.ts';
import { sourceError } from './server-errors.ts';
import type { BinlogStart, BinlogStreamOptions, Flavor } from './types.ts';

/*
 * The seam with zongji. It makes the connections, the handshake with its authentication plugins and TLS, negotiates checksums, speaks
 * MariaDB's dialect, and builds the dump command; on 'ready' its command class may be replaced, which is how we come in.
 *
 * Beyond that seam we take the socket itself once the dump is asked for, instead of packets from mysql2's parser: only so can it be paused
 * when nobody pulls, and packets of more than 16 MB be put together in one copy. At that moment nothing is in flight: every earlier
 * command was answered, and the server speaks next only because of the dump. mysql2 keeps noticing errors and the end of the socket.
 */

interface DumpCommand {
  start(packet: unknown, connection: DriverConnection): unknown;
}

interface DriverConnection {
  readonly stream: Socket;
  query(sql: string, done: (error: Error | null, rows?: unknown) => void): void;
  destroy(): void;
}

/** The parts of zongji that its type declarations leave out. */
interface ZongJiInside {
  BinlogClass: new (handler: unknown) => DumpCommand;
  readonly useChecksum: boolean;
  readonly connection: DriverConnection | null;
  readonly ctrlConnection: DriverConnection | null;
  on(event: 'ready' | 'stopped', listener: () => void): void;
  on(event: 'error', listener: (error: unknown) => void): void;
  start(options: object): void;
  stop(): void;
}

/** A connection on which the dump was asked for; its bytes are packets of binlog events. */
export interface DumpConnection {
  readonly socket: Readable;
  /** Whether events end with a checksum before the first FORMAT_DESCRIPTION says so. */
  readonly checksums: boolean;
  /** Called at most once, with a SOURCE_* error. */
  onFailure(listener: (error: TaplineError) => void): void;
  close(): Promise<void>;
}

const DAY_SECONDS = 86_400;

/** Rejects with SOURCE_* (or the signal's reason); then nothing stays open. */
export async function openDump(given: BinlogStreamOptions, signal: AbortSignal): Promise<DumpConnection> {
  signal.throwIfAborted();
  const options = { ...given, start: canonical(given.start, given.flavor) };
  const { address } = options;
  const tls = readTlsMaterial(address);
  const zongji = new ZongJi({
    host: address.host,
    port: address.port,
    user: address.user,
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(tls === undefined ? {} : { ssl: { ...tls } as object }),
    connectTimeout: 10_000,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
  }) as unknown as ZongJiInside;
  const coded = (error: unknown): TaplineError => sourceError(error, address);
  const dump = new Dump(zongji);
  const abort = (): void => dump.fail(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    zongji.on('error', (error) => dump.fail(coded(error)));
    zongji.on('ready', () => replaceDump(zongji, options, dump, coded));
    zongji.start(startOptions(options));
    await dump.opened;
    return dump;
  } catch (error) {
    await dump.close();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** A GTID text goes into SQL, so only what we printed ourselves goes on. @throws TaplineError SOURCE_GTID_INVALID */
function canonical(start: BinlogStart, flavor: Flavor): BinlogStart {
  if (!('gtidSet' in start)) return start;
  const parsed = flavor === 'mysql' ? GtidSet.parse(start.gtidSet) : MariadbPosition.parse(start.gtidSet);
  return { gtidSet: parsed.toString() };
}

function startOptions({ serverId, start }: BinlogStreamOptions): object {
  if ('gtidSet' in start) return { serverId, gtidSet: start.gtidSet };
  return { serverId, filename: start.file, position: start.last?.position ?? start.position };
}

/** Runs in zongji's 'ready': the settings go in front of the dump command in the connection's queue. */
function replaceDump(
  zongji: ZongJiInside,
  options: BinlogStreamOptions,
  dump: Dump,
  coded: (error: unknown) => TaplineError,
): void {
  const Base = zongji.BinlogClass;
  const control = zongji.ctrlConnection!;
  const checked = preflight(queryOn(control), options);
  checked.catch((error: unknown) => dump.fail(coded(error)));
  for (const sql of settings(options)) {
    zongji.connection!.query(sql, (error) => {
      if (error !== null) dump.fail(coded(error));
    });
  }
  zongji.BinlogClass = class extends Base {
    override start(packet: unknown, connection: DriverConnection): unknown {
      const begin = (): void => {
        if (dump.failed) return;
        connection.stream.removeAllListeners('data');
        super.start(packet, connection);
        // It served to look things up. Left open, its idle timeout would one day look like the stream's end.
        control.destroy();
        dump.begin(connection.stream);
      };
      checked.then(begin, () => undefined);
      return (): null => null;
    }
  };
}

/**
 * Heartbeats in nanoseconds, under both names (MySQL 8.0.26 renamed it, MariaDB did not). The server gives up on a client that takes nothing for
 * net_write_timeout; a paused one is well, so that is made long.
 */
function settings({ heartbeatMs }: BinlogStreamOptions): readonly string[] {
  const period = BigInt(Math.max(1, Math.round(heartbeatMs))) * 1_000_000n;
  return [
    `SET @master_heartbeat_period = ${period}, @source_heartbeat_period = ${period}`,
    `SET SESSION net_write_timeout = ${DAY_SECONDS}`,
  ];
}

function queryOn(connection: DriverConnection): Query {
  return (sql) =>
    new Promise((resolve, reject) => {
      connection.query(sql, (error, rows) => {
        if (error === null) resolve(rows as Awaited<ReturnType<Query>>);
        else reject(error);
      });
    });
}

class Dump implements DumpConnection {
  readonly opened: Promise<void>;
  failed = false;
  readonly #zongji: ZongJiInside;
  readonly #settle: PromiseWithResolvers<void>;
  #socket: Socket | undefined;
  #failure: { readonly error: unknown } | undefined;
  #listener: ((error: TaplineError) => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(zongji: ZongJiInside) {
    this.#zongji = zongji;
    this.#settle = Promise.withResolvers();
    this.opened = this.#settle.promise;
  }

  get socket(): Socket {
    return this.#socket!;
  }

  get checksums(): boolean {
    return this.#zongji.useChecksum;
  }

  begin(socket: Socket): void {
    this.#socket = socket;
    // Nothing may be lost between here and the stream's first look.
    socket.pause();
    this.#settle.resolve();
  }

  /** The first failure counts: zongji's two connections often report the same one. */
  fail(error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    this.#failure = { error };
    this.#settle.reject(error);
    this.#listener?.(error as TaplineError);
  }

  onFailure(listener: (error: TaplineError) => void): void {
    this.#listener = listener;
    if (this.#failure !== undefined) listener(this.#failure.error as TaplineError);
  }

  close(): Promise<void> {
    this.failed = true;
    this.#listener = undefined;
    this.#closed ??= new Promise((resolve) => {
      this.#zongji.on('stopped', resolve);
      this.#zongji.stop();
    });
    return this.#closed;
  }
}
