import { type BinlogPosition, type BinlogStream, FilePosition, openBinlogStream } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import { connect, type MysqlAddress, quoteText, readBinlogEnd, readBinlogFiles } from '@tapline/mysql';
import { ANCHOR_DATABASE } from '@tapline/schema';
import type { ReaderConfig } from '../config.ts';
import { serverIdOf } from '../source/server-id.ts';
import type { Anchor } from './anchor-book.ts';
import { ANCHOR_TABLE, type AnchorId, AnchorSight, isAnchorTable, sameAnchor } from './anchor-table.ts';
import { anchorAddress } from './anchor-writer.ts';

const FIRST_EVENT = 4;
/** Ends of files are told by heartbeats. */
const HEARTBEAT_MS = 200;

export interface FoundAnchor {
  /** In the list given. */
  readonly index: number;
  /** Right behind its transaction, on this server. */
  readonly place: BinlogPosition;
}

/**
 * The newest of these anchors that the server has: in its table, and in its binlog.
 *
 * The table tells which one it is; the binlog is then searched from its newest file back. The first anchor of each file says whether the one that is
 * looked for can be in it, so of the other files only the beginning is read. No clock takes part.
 *
 * @returns why there is none, when there is none.
 */
export async function findAnchor(
  anchors: readonly Anchor[],
  server: { readonly config: ReaderConfig; readonly address: MysqlAddress; readonly signal: AbortSignal },
): Promise<FoundAnchor | string> {
  if (anchors.length === 0) return 'the reader has passed no anchor from which it could count (source.anchors)';
  const present = await readAnchors(anchors, server);
  if (typeof present === 'string') return present;
  const index = anchors.findIndex((anchor) => present.some((row) => sameAnchor(row, anchor)));
  const wanted = anchors[index];
  if (wanted === undefined) return `it has none of the ${anchors.length} anchors that the reader knows`;
  const place = await findPlace(wanted, server);
  if (place !== undefined) return { index, place };
  return `it has anchor ${wanted.id} in its table and not in its binlog, which was purged, or is written without what it replicates (log_replica_updates)`;
}

type Server = Parameters<typeof findAnchor>[1];

async function readAnchors(anchors: readonly AnchorId[], server: Server): Promise<readonly AnchorId[] | string> {
  const { config, address, signal } = server;
  await using connection = await connect(anchorAddress(config, address), signal);
  const ids = anchors.map(({ id }) => id).join(', ');
  const table = `\`${ANCHOR_DATABASE}\`.\`${ANCHOR_TABLE}\``;
  try {
    const rows = await connection.query(
      `SELECT id, token FROM ${table} WHERE source = ${quoteText(config.name)} AND id IN (${ids})`,
      signal,
    );
    return rows.map(([id, token]) => ({ id: BigInt(id ?? 0), token: BigInt(token ?? 0) }));
  } catch (error) {
    if (!(error instanceof TaplineError) || error.code === 'SOURCE_UNREACHABLE') throw error;
    return `its table ${ANCHOR_DATABASE}.${ANCHOR_TABLE} cannot be read (${error.message})`;
  }
}

async function findPlace(wanted: AnchorId, server: Server): Promise<BinlogPosition | undefined> {
  await using connection = await connect(server.address, server.signal);
  const files = await readBinlogFiles(connection, server.signal);
  const end = await readBinlogEnd(connection, server.signal);
  for (const { name: file } of files.toReversed()) {
    await using scan = await AnchorScan.open({ file, position: FIRST_EVENT }, end, server);
    const first = await scan.next();
    if (first === undefined || first.place.file !== file || first.anchor.id > wanted.id) continue;
    for (let found: AnchorPlace | undefined = first; found !== undefined; found = await scan.next()) {
      if (sameAnchor(found.anchor, wanted)) return found.place;
      if (found.anchor.id >= wanted.id) return undefined;
    }
    return undefined;
  }
  return undefined;
}

interface AnchorPlace {
  readonly anchor: AnchorId;
  /** Right behind its transaction. */
  readonly place: BinlogPosition;
}

/** The anchors of this source in a server's binlog, from a place on to where it ended when it was opened. */
class AnchorScan implements AsyncDisposable {
  readonly #stream: BinlogStream;
  readonly #sight: AnchorSight;
  readonly #end: FilePosition;
  readonly #found: AnchorPlace[] = [];
  #open: AnchorId | undefined;
  #ended = false;

  private constructor(stream: BinlogStream, sight: AnchorSight, end: FilePosition) {
    this.#stream = stream;
    this.#sight = sight;
    this.#end = end;
  }

  static async open(
    start: BinlogPosition,
    end: BinlogPosition,
    { config, address, signal }: Server,
  ): Promise<AnchorScan> {
    const options = {
      address,
      serverId: serverIdOf(config),
      flavor: 'mysql',
      start,
      wants: isAnchorTable,
      bufferBytes: config.source.bufferBytes,
      spillFolder: config.source.spillFolder,
      heartbeatMs: HEARTBEAT_MS,
    } as const;
    const stream = await openBinlogStream(options, signal);
    return new AnchorScan(stream, new AnchorSight(config.name), FilePosition.parse(`${end.file}:${end.position}`));
  }

  /** undefined at the end. */
  async next(): Promise<AnchorPlace | undefined> {
    while (this.#found.length === 0 && !this.#ended) {
      for (const event of await this.#stream.pull()) {
        if (event.kind === 'rows') this.#open = this.#sight.read(event) ?? this.#open;
        if (event.kind !== 'commit' && event.kind !== 'heartbeat') continue;
        if (this.#open !== undefined) this.#found.push({ anchor: this.#open, place: event.position });
        this.#open = undefined;
        this.#ended ||= this.#reaches(event.position);
      }
    }
    return this.#found.shift();
  }

  #reaches(place: BinlogPosition): boolean {
    const passed = FilePosition.parse('');
    passed.add('', place);
    return passed.includes(this.#end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream[Symbol.asyncDispose]();
  }
}
