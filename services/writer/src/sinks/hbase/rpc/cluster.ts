import { TaplineError } from '@tapline/kernel';
import { classify } from '../classify.ts';
import type { CellBlock } from './cells.ts';
import { Connection, makeRequest, type Request } from './connection.ts';
import { Fields, MessageWriter } from './message.ts';
import {
  type Region,
  readMetaLocation,
  readMetaRows,
  readServerName,
  type ServerAddress,
  writeMetaScan,
  writeNextScan,
} from './regions.ts';

export interface ClusterOptions {
  /** host:port of masters; any that answers will do. */
  readonly masters: readonly ServerAddress[];
  /** Servers that are reached elsewhere than where they say they are. */
  readonly reachAt: Readonly<Record<string, ServerAddress>>;
  readonly user: string;
  readonly timeoutMs: number;
}

interface ServicePlace {
  readonly server: ServerAddress;
  /** As `Connection` names it. */
  readonly service: string;
}

/**
 * Who serves what, and the connections to them. Nothing is tried twice here: a call that fails drops what was known about the place, rejects with a
 * TaplineError, and the next one asks anew; whether and when there is a next one is the engine's to decide.
 */
export class Cluster implements AsyncDisposable {
  readonly #options: ClusterOptions;
  readonly #connections = new Map<string, Promise<Connection>>();
  readonly #regions = new Map<string, Promise<readonly Region[]>>();
  readonly #ending = new AbortController();
  readonly #scratch = new MessageWriter();

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  get timeoutMs(): number {
    return this.#options.timeoutMs;
  }

  /** Calls the active master. @throws TaplineError SINK_HBASE_… */
  async master(method: string, write: (message: MessageWriter) => void): Promise<Buffer> {
    const active = readActiveMaster(await this.#anyMaster('GetActiveMaster'));
    if (active === undefined) {
      throw new TaplineError('SINK_HBASE_NOT_READY', { message: 'HBase has no active master now.' });
    }
    return await this.#call({ server: active, service: 'MasterService' }, this.request(method, write));
  }

  /** The regions of a table in the order of their keys, as they were when they were last asked for. @throws TaplineError SINK_HBASE_… */
  regions(table: string): Promise<readonly Region[]> {
    let regions = this.#regions.get(table);
    if (regions === undefined) {
      regions = this.#scanMeta(table);
      this.#regions.set(table, regions);
      regions.catch(() => this.forget(table));
    }
    return regions;
  }

  /** Where the table's regions are is asked again the next time. */
  forget(table: string): void {
    this.#regions.delete(table);
  }

  /** @throws TaplineError SINK_HBASE_… */
  async regionServer(server: ServerAddress, request: Request, service = 'ClientService'): Promise<Buffer> {
    return await this.#call({ server, service }, request);
  }

  /** `cells`: filled by `write`, and sent behind the message; they are the request's until it is answered. */
  request(method: string, write: (message: MessageWriter) => void, cells?: CellBlock): Request {
    return makeRequest({ method, timeoutMs: this.#options.timeoutMs, message: this.#scratch, cells }, write);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error('the sink was closed'));
    const open = await Promise.allSettled(this.#connections.values());
    this.#connections.clear();
    for (const one of open) if (one.status === 'fulfilled') await one.value[Symbol.asyncDispose]();
  }

  async #scanMeta(table: string): Promise<readonly Region[]> {
    const server = readMetaLocation(await this.#anyMaster('GetMetaRegionLocations'));
    if (server === undefined) {
      throw new TaplineError('SINK_HBASE_NOT_READY', { message: 'hbase:meta is not open on any region server now.' });
    }
    const found: Region[] = [];
    let rows = readMetaRows(
      await this.regionServer(
        server,
        this.request('Scan', (to) => writeMetaScan(to, table)),
      ),
    );
    found.push(...rows.regions);
    for (let sequence = 1; rows.scanner !== undefined; sequence++) {
      const { scanner } = rows;
      const next = this.request('Scan', (to) => writeNextScan(to, scanner, sequence));
      rows = readMetaRows(await this.regionServer(server, next));
      found.push(...rows.regions);
    }
    return found;
  }

  /** A call that any master answers, also one that stands by. */
  async #anyMaster(method: string): Promise<Buffer> {
    let failure: unknown;
    for (const server of this.#options.masters) {
      try {
        return await this.#call(
          { server, service: 'ClientMetaService' },
          this.request(method, () => undefined),
        );
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async #call(place: ServicePlace, request: Request): Promise<Buffer> {
    try {
      const connection = await this.#connected(place, request.cells !== undefined);
      return await connection.send(request);
    } catch (error) {
      throw classify(error, place.server);
    }
  }

  /** A connection that is open as far as we know: servers close those that were idle for long. */
  async #connected(place: ServicePlace, cells: boolean): Promise<Connection> {
    const key = `${place.service}@${place.server} ${cells}`;
    const known = this.#connections.get(key);
    if (known !== undefined) {
      const connection = await known.catch(() => undefined);
      if (connection?.open === true) return connection;
      // Another call may have made a new one while this one waited.
      if (this.#connections.get(key) === known) this.#connections.delete(key);
    }
    return await this.#connection(key, place, cells);
  }

  #connection(key: string, { server, service }: ServicePlace, cells: boolean): Promise<Connection> {
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      const { user, timeoutMs, reachAt } = this.#options;
      const address = reachAt[server] ?? server;
      const colon = address.lastIndexOf(':');
      connection = Connection.open(
        {
          host: address.slice(0, colon).replace(/^\[|\]$/g, ''),
          port: Number(address.slice(colon + 1)),
          service,
          user,
          cells,
          timeoutMs,
        },
        this.#ending.signal,
      );
      connection.catch(() => undefined);
      this.#connections.set(key, connection);
    }
    return connection;
  }
}

/** GetActiveMasterResponse{server_name=1} */
function readActiveMaster(bytes: Buffer): ServerAddress | undefined {
  const fields = new Fields(bytes);
  while (fields.next()) if (fields.field === 1) return readServerName(fields.bytes);
  return undefined;
}
