import { TaplineError } from '@tapline/kernel';
import {
  addressText,
  type BinlogFile,
  connect,
  type MysqlAddress,
  type MysqlConnection,
  readBinlogFiles,
  readGtids,
  readOldestPosition,
  readReplicationStatus,
  readServerInfo,
  type ServerInfo,
} from '@tapline/mysql';
import type { ReaderConfig } from '../config.ts';
import { type History, historyOf } from './history.ts';

/**
 * `source`: takes writes and follows nobody. `replica`: follows a source, or tries to. `stale`: is set up to follow one, and nothing comes in or
 * is applied. `idle`: read-only and follows nobody: somebody is about to change its role.
 */
export type Role = 'source' | 'replica' | 'stale' | 'idle';

/** What a server says of itself that decides whether it can be read from. */
export interface ServerFacts {
  readonly address: MysqlAddress;
  readonly info: ServerInfo;
  /** server_uuid; MariaDB: server_id. */
  readonly uuid: string;
  readonly role: Role;
  readonly history: History;
  /** What its binlog files no longer hold: a GTID set; MariaDB: the position in front of the oldest file. */
  readonly purged: string;
  /** The one that is written to; without a name when there is none. */
  readonly newestFile: BinlogFile;
}

/** One of the configured servers, looked at. */
export type Candidate =
  | { readonly address: MysqlAddress; readonly server: ServerFacts; readonly error?: undefined }
  | { readonly address: MysqlAddress; readonly server?: undefined; readonly error: TaplineError };

/** Where the servers of the topology are, in the order of the configuration. */
export function hostsOf({ source }: Pick<ReaderConfig, 'source'>): readonly MysqlAddress[] {
  if (source.hosts.length === 0) return [source];
  return source.hosts.map((text) => {
    const colon = text.lastIndexOf(':');
    return { ...source, host: text.slice(0, colon).replaceAll(/[[\]]/g, ''), port: Number(text.slice(colon + 1)) };
  });
}

/** Several servers are asked at once, and a dead one must not keep the others waiting. */
const CONNECT_MS = 3000;

/** Looks at one server. Fails only when the signal does. */
export async function probe(address: MysqlAddress, signal: AbortSignal): Promise<Candidate> {
  try {
    await using connection = await connect(address, signal, { connectTimeoutMs: CONNECT_MS });
    return { address, server: await readFacts(connection, signal) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TaplineError) return { address, error };
    throw error;
  }
}

async function readFacts(connection: MysqlConnection, signal: AbortSignal): Promise<ServerFacts> {
  const { address, flavor } = connection;
  const info = await readServerInfo(connection, signal);
  const oldest = await binlogFact(info, () => readOldestPosition(connection, signal));
  const files = await binlogFact(info, () => readBinlogFiles(connection, signal));
  return {
    address,
    info,
    uuid: uuidOf(info),
    role: await readRole(connection, info, signal),
    history: historyOf(flavor, await readHistory(connection, signal)),
    purged: oldest ?? '',
    newestFile: files?.at(-1) ?? { name: '', bytes: 0 },
  };
}

/** undefined: there is no binlog, or the account may not see it; a source is refused for both, with what mends it, before anything is read. */
async function binlogFact<T>(info: ServerInfo, read: () => Promise<T>): Promise<T | undefined> {
  if (!info.logBin) return undefined;
  return await read().catch((error: unknown) => {
    if (error instanceof TaplineError && error.code === 'SOURCE_MISSING_GRANT') return undefined;
    throw error;
  });
}

/** What a progress record calls the server. */
export function uuidOf(info: ServerInfo): string {
  return info.serverUuid ?? String(info.serverId);
}

/** What {@link historyOf} takes. */
export async function readHistory(connection: MysqlConnection, signal: AbortSignal): Promise<string> {
  if (connection.flavor === 'mysql') return (await readGtids(connection, signal)).executed;
  const sql = "SELECT CONCAT_WS(',', NULLIF(@@GLOBAL.gtid_binlog_state, ''), NULLIF(@@GLOBAL.gtid_slave_pos, ''))";
  const [row] = await connection.query(sql, signal);
  return row?.[0] ?? '';
}

async function readRole(connection: MysqlConnection, info: ServerInfo, signal: AbortSignal): Promise<Role> {
  const followed = await readReplicationStatus(connection, signal);
  if (followed === undefined || followed.length === 0) return info.readOnly ? 'idle' : 'source';
  const works = followed.some(({ receiver, applierRuns }) => receiver === 'running' && applierRuns);
  return works ? 'replica' : 'stale';
}

/** `127.0.0.1:3306 (replica)`, for messages. */
export function serverText({ address, role }: ServerFacts): string {
  return `${addressText(address)} (${role})`;
}
