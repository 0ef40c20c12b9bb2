import { type Logger, TaplineError } from '@tapline/kernel';
import { addressText } from '@tapline/mysql';
import type { ReaderConfig } from '../config.ts';
import type { ProgressRecord } from '../progress/record.ts';
import type { Tails } from '../resume/tails.ts';
import type { AnchorStart } from './anchor.ts';
import { serverText } from './candidate.ts';
import { type Choice, chooseServer } from './choose.ts';
import { judgeByFile } from './file.ts';
import type { FailoverMemory } from './memory.ts';

/** A server to read from, and the record to go on from there. */
export interface Settled {
  readonly address: Choice['server']['address'];
  /** None at the first start. */
  readonly record: ProgressRecord | undefined;
  /** The record goes on at an anchor, in front of what is published. */
  readonly replay?: AnchorStart;
}

interface SettleParts {
  readonly config: ReaderConfig;
  readonly log: Logger;
  readonly memory: FailoverMemory;
  readonly record: ProgressRecord | undefined;
  readonly tails: Tails | undefined;
  readonly signal: AbortSignal;
}

/**
 * Chooses the server and answers what is in the way by policy.
 *
 * @throws TaplineError as chooseServer does; SOURCE_LOST_TAIL, SOURCE_PURGED, SOURCE_BINLOG_RESET, SOURCE_ERRANT_GTIDS, SOURCE_OTHER_TOPOLOGY where policy is to fail.
 */
export async function settleOnServer(parts: SettleParts): Promise<Settled> {
  const choice = await chooseServer(parts);
  const { server, verdict } = choice;
  if (verdict.kind === 'refused') throw parts.memory.refused(refusal(choice, verdict));
  if (parts.record !== undefined && (parts.record.by === 'file' || server.info.gtidMode === 'OFF')) {
    const judged = await judgeByFile(server, parts.record, parts);
    if (judged.verdict === 'refused') throw parts.memory.refused(judged.error);
    parts.memory.chose(server, parts.record);
    return { address: server.address, ...judged };
  }
  parts.memory.chose(server, parts.record);
  return { address: server.address, record: parts.record && onServer(parts.record, choice) };
}

/** A place in another server's files means nothing on this one. */
function onServer(record: ProgressRecord, { server }: Choice): ProgressRecord {
  if (record.serverUuid === server.uuid) return record;
  return { ...record, serverUuid: server.uuid, file: '', position: 0 };
}

const REMEDIES: Readonly<Record<string, string>> = {
  SOURCE_LOST_TAIL:
    'source.failover.lostTail: retract publishes the rows that they changed as they are now, resnapshot loads all tables again. Or point the reader at a server that has them.',
};

function refusal(choice: Choice, verdict: Extract<Choice['verdict'], { kind: 'refused' }>): TaplineError {
  const remedy = REMEDIES[verdict.code];
  return new TaplineError(verdict.code, {
    message: `The history of ${serverText(choice.server)} does not lead on from what was published: ${verdict.why}.`,
    place: { address: addressText(choice.server.address) },
    ...(remedy === undefined ? {} : { remedy }),
  });
}
