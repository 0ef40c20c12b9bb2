import { TaplineError } from '@tapline/kernel';
import { hasReached } from '@tapline/mysql';
import {
  type CatalogOptions,
  type DdlRecord,
  type HistoryTimeline,
  type HistoryView,
  type SnapshotBegin,
  type TableState,
} from '@tapline/schema';
import { parseExecuted } from '../source/executed.ts';

/** A version of the history, and where it begins. */
interface Step {
  readonly version: number;
  readonly file: string;
  readonly position: number;
  readonly gtid: string;
  /** Of a snapshot: everything in front of it. */
  readonly gtidSet: string | undefined;
}

/**
 * The history at `at`: the number of a version; `file:position` of a server's binlog; a GTID set, or one GTID, which stands for all up to it. Undefined: its
 * end.
 *
 * @throws TaplineError CONFIG_INVALID when nothing is known there; SCHEMA_HISTORY_UNREADABLE.
 */
export function viewAt(timeline: HistoryTimeline, at: string | undefined): HistoryView {
  const steps = stepsOf(timeline);
  const found = steps.findLast(passedBy(at));
  if (found === undefined) {
    throw new TaplineError('CONFIG_INVALID', {
      message:
        at === undefined
          ? 'The schema history is empty.'
          : `The schema history knows nothing of ${at}: it begins with version ${steps[0]?.version ?? 'none'} at ${steps[0]?.file}:${steps[0]?.position}.`,
      remedy:
        'Ask for the number of a version, for file:position, or for a GTID set, behind the beginning of the history.',
    });
  }
  const snapshot = timeline.snapshots.findLast(({ version }) => version <= found.version) as SnapshotBegin;
  return timeline.at(found.version, optionsOf(snapshot));
}

/** The statement or snapshot that made the table what it is in this view; undefined when the table is not there. */
export function originOf(
  timeline: HistoryTimeline,
  view: HistoryView,
  { database, name }: Pick<TableState, 'database' | 'name'>,
): DdlRecord | SnapshotBegin | undefined {
  const state = view.catalog.table({ database, name });
  if (state === undefined) return undefined;
  const isOwn = (change: { readonly database: string; readonly name: string }): boolean =>
    change.database === state.database && change.name === state.name;
  const { version: from } = view.snapshot;
  const statement = timeline.statements.findLast(
    ({ version, changes }) => version >= from && version <= view.version && changes.some(isOwn),
  );
  return statement ?? view.snapshot;
}

/** Nothing of it is needed to bring back states that were kept. */
function optionsOf({ lowerCaseTableNames }: SnapshotBegin): CatalogOptions {
  const none = (): undefined => undefined;
  return {
    lowerCaseTableNames,
    book: { collation: none, collationById: none, charset: none },
    serverText: { charset: 'utf8mb4', collation: 'utf8mb4_general_ci' },
  };
}

/** Sets of GTIDs do not ask. */
const NOWHERE = { file: '', position: 0 };

function stepsOf(timeline: HistoryTimeline): readonly Step[] {
  const snapshots = timeline.snapshots.map(
    ({ version, file, position, gtidSet }): Step => ({ version, file, position, gtid: '', gtidSet }),
  );
  const statements = timeline.statements.map(({ version, at }): Step => ({ version, ...at, gtidSet: undefined }));
  return [...snapshots, ...statements].sort((left, right) => left.version - right.version);
}

function passedBy(at: string | undefined): (step: Step) => boolean {
  if (at === undefined) return () => true;
  if (/^\d+$/.test(at)) return ({ version }) => version <= Number(at);
  const [, file, position] = /^(.*\.\d+):(\d+)$/.exec(at) ?? [];
  if (file !== undefined) {
    return (step) => hasReached({ file, position: Number(position) }, step);
  }
  const flavor = /^\d+-\d+-\d+/.test(at) ? 'mariadb' : 'mysql';
  const set = parseExecuted(flavor, flavor === 'mysql' ? at.replaceAll(/(?<=:)(\d+)(?=,|$)/g, '1-$1') : at);
  return ({ gtid, gtidSet }) =>
    gtidSet === undefined ? gtid !== '' && set.contains(gtid, NOWHERE) : set.includes(parseExecuted(flavor, gtidSet));
}
