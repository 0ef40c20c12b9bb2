import { openBinlogStream } from '@tapline/binlog';
import { type Logger, TaplineError } from '@tapline/kernel';
import { addressText } from '@tapline/mysql';
import type { ReaderConfig } from '../config.ts';
import type { ProgressRecord } from '../progress/record.ts';
import { startOf } from '../source/executed.ts';
import { serverIdOf } from '../source/server-id.ts';
import { type AnchorStart, startAtAnchor } from './anchor.ts';
import type { ServerFacts } from './candidate.ts';
import type { Verdict } from './judge.ts';

/** Where to go on at a server without GTIDs: in its files, or behind an anchor in them. */
export type FileJudgement =
  | { readonly verdict: 'usable'; readonly record: ProgressRecord; readonly replay?: AnchorStart }
  | { readonly verdict: 'refused'; readonly error: TaplineError };

interface FileParts {
  readonly config: ReaderConfig;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Which server without GTIDs is worth a closer look: the one that was read from, then one that has become the source. What only replicates may become the
 * source yet, or lack what comes next; when nothing better is there in time (`late`), it does. Pure.
 */
export function verdictByFile({ uuid, role }: ServerFacts, record: ProgressRecord, late: boolean): Verdict {
  if (uuid === record.serverUuid || role === 'source' || late) return { kind: 'usable' };
  return { kind: 'behind', missing: 'the role of the source', suspect: false };
}

/** The place is not there, on the very server that had it. */
const GONE: ReadonlySet<string> = new Set(['SOURCE_PURGED', 'SOURCE_BINLOG_RESET']);

/**
 * Holds a server without GTIDs against the progress record. The same server has the place itself, which is known again by the event that ends there. Another
 * one (and the same one, restored from a backup) may have one of the anchors.
 *
 * @throws TaplineError when the server cannot be asked; the signal's reason.
 */
export async function judgeByFile(
  server: ServerFacts,
  record: ProgressRecord,
  parts: FileParts,
): Promise<FileJudgement> {
  if (record.by === 'gtid') return refused(withoutGtids(server));
  if (server.uuid !== record.serverUuid) return await judgeByAnchor(server, record, parts);
  try {
    await confirmPlace(server, record, parts);
    return { verdict: 'usable', record };
  } catch (error) {
    if (!(error instanceof TaplineError) || !GONE.has(error.code)) throw error;
    // Restored from a backup it has other files, and perhaps an anchor in them.
    const judged = await judgeByAnchor(server, record, parts);
    return judged.verdict === 'usable' ? judged : refused(error);
  }
}

async function judgeByAnchor(server: ServerFacts, record: ProgressRecord, parts: FileParts): Promise<FileJudgement> {
  try {
    const replay = await startAtAnchor(server, record, parts);
    const { anchor, missing } = replay;
    const found = { address: addressText(server.address), anchor: anchor.id, missing };
    parts.log.warn('goes on at an anchor: another server, or another binlog, than before', found);
    return { verdict: 'usable', record: replay.record, replay };
  } catch (error) {
    if (error instanceof TaplineError && error.code === 'SOURCE_NO_COMMON_ANCHOR') return refused(error);
    throw error;
  }
}

/** Opens a stream there, as the session does later, until it has seen that the place is the one that was reached. */
async function confirmPlace(
  { address }: ServerFacts,
  record: ProgressRecord,
  { config, signal }: FileParts,
): Promise<void> {
  const start = startOf(record);
  await using stream = await openBinlogStream(
    {
      address,
      serverId: serverIdOf(config),
      flavor: 'mysql',
      start,
      wants: () => false,
      bufferBytes: config.source.bufferBytes,
      spillFolder: config.source.spillFolder,
      heartbeatMs: config.source.heartbeatMs,
    },
    signal,
  );
  // The event in front of the place comes at once, and is told as a heartbeat. Without one the place is believed.
  if ('last' in start) await stream.pull();
}

function refused(error: TaplineError): FileJudgement {
  return { verdict: 'refused', error };
}

function withoutGtids({ address }: ServerFacts): TaplineError {
  return new TaplineError('SOURCE_GTID_OFF', {
    message: 'The source numbers no transactions, and the reader has followed it, or the server before it, by GTID.',
    place: { address: addressText(address) },
    remedy: 'Turn GTIDs on again; or start the reader over with a new load: delete its progress topic.',
  });
}
