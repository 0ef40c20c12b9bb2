import { TaplineError } from '@tapline/kernel';
import { addressText } from '@tapline/mysql';
import { type Anchor, changesBehind } from '../anchors/anchor-book.ts';
import { findAnchor } from '../anchors/find-anchor.ts';
import type { ReaderConfig } from '../config.ts';
import type { ProgressRecord } from '../progress/record.ts';
import { executedOf, parseExecuted } from '../source/executed.ts';
import type { ServerFacts } from './candidate.ts';

/** Changes by topic and partition. */
export type ChangeCounts = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** A resume at an anchor on another server. */
export interface AnchorStart {
  /** The place behind the anchor on the new server, with the offsets of the old place: it is never made durable. */
  readonly record: ProgressRecord;
  /** The one that stays durable until the replay has come to the ends of the topics. */
  readonly from: ProgressRecord;
  /** Changes in front of its offsets that the replay meets first. */
  readonly behind: ChangeCounts;
  readonly anchor: Anchor;
  /** Newer anchors that were passed and that the server does not have. */
  readonly missing: number;
}

/** @throws TaplineError SOURCE_NO_COMMON_ANCHOR, with the reason. */
export async function startAtAnchor(
  { address, uuid }: Pick<ServerFacts, 'address' | 'uuid'>,
  from: ProgressRecord,
  parts: { readonly config: ReaderConfig; readonly signal: AbortSignal },
): Promise<AnchorStart> {
  const found = await findAnchor(from.anchors, { ...parts, address });
  if (typeof found === 'string') {
    throw new TaplineError('SOURCE_NO_COMMON_ANCHOR', {
      message: `Nothing says where to go on at this server, which is another than before: ${found}.`,
      place: { address: addressText(address) },
    });
  }
  const { index, place } = found;
  const anchor = from.anchors[index] as Anchor;
  const { last: _, ...rest } = from;
  const record: ProgressRecord = {
    ...rest,
    ...place,
    serverUuid: uuid,
    version: anchor.version,
    schemaVersion: anchor.schemaVersion,
    anchors: from.anchors.slice(index).map((kept, i) => (i === 0 ? { ...kept, since: {} } : kept)),
    xaFrom: xaFromOf(from),
  };
  const behind = new Map([...changesBehind(from.anchors, index)].filter(([topic]) => from.offsets.has(topic)));
  return { record, from, behind, anchor, missing: index };
}

/** A place of the old server's files, which says nothing on the new one: what is passed is passed. */
function xaFromOf(record: ProgressRecord): string | null {
  if (record.xaFrom === null || record.xaFrom === '') return record.xaFrom;
  const passed = parseExecuted('file', executedOf(record));
  return passed.includes(parseExecuted('file', record.xaFrom)) ? '' : null;
}
