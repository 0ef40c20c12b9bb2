import { TaplineError } from '@tapline/kernel';
import { addressText, isEarlierFile } from '@tapline/mysql';
import { binlogReset } from './last-event.ts';
import { MariadbPosition } from './mariadb-position.ts';
import type { BinlogPosition, BinlogStreamOptions } from './types.ts';

/** Runs one query and gives its rows, keyed by column name. */
export type Query = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

async function value(query: Query, expression: string): Promise<string> {
  const [row] = await query(`SELECT ${expression} AS v`);
  const v = row?.['v'];
  return typeof v === 'string' || typeof v === 'number' ? String(v) : '';
}

/**
 * What the server must have before a dump is asked for. The dump's own refusal (error 1236) has one number for a dozen reasons, so they are
 * looked up first: a purged position would otherwise be known by its text only.
 */
export async function preflight(query: Query, options: BinlogStreamOptions): Promise<void> {
  const place = { address: addressText(options.address) };
  const version = await value(query, 'VERSION()');
  const isMariadb = /mariadb/i.test(version);
  if (isMariadb !== (options.flavor === 'mariadb')) {
    throw new TaplineError('SOURCE_DUMP_REFUSED', {
      message: `The server is ${version}, the reader expects ${options.flavor}`,
      place,
      remedy: 'Point the reader at the server it was set up for.',
    });
  }
  if ((await value(query, '@@GLOBAL.log_bin')) !== '1') {
    throw new TaplineError('SOURCE_BINLOG_OFF', { message: 'The source writes no binlog (log_bin is OFF)', place });
  }
  if ('file' in options.start) return requireFile(query, options.start);
  if (isMariadb) return refusePurged(query, options.start.gtidSet, place);
  const mode = await value(query, '@@GLOBAL.gtid_mode');
  if (mode !== 'ON') {
    throw new TaplineError('SOURCE_GTID_OFF', { message: `gtid_mode is ${mode} on the source`, place });
  }
  const start = options.start.gtidSet;
  const missing = (await value(query, `GTID_SUBTRACT(@@GLOBAL.gtid_purged, '${start}')`)).replace(/\s+/g, '');
  if (missing !== '') {
    throw new TaplineError('SOURCE_PURGED', {
      message: `The source has purged transactions that were not read yet: ${missing}`,
      place,
    });
  }
  await refuseUnknown(query, start, place);
}

/** Files are numbered in the order in which they were begun; a RESET begins again with the first. */
async function requireFile(query: Query, start: BinlogPosition): Promise<void> {
  const files = await query('SHOW BINARY LOGS').catch(() => []);
  if (files.length === 0) return;
  const found = files.find((file) => file['Log_name'] === start.file);
  if (found !== undefined) {
    if (Number(found['File_size']) >= start.position) return;
    throw binlogReset(start, `the file has ${String(found['File_size'])} bytes`);
  }
  const oldest = String(files[0]?.['Log_name']);
  if (isEarlierFile(start.file, oldest) !== true) throw binlogReset(start, `its files begin with ${oldest}`);
  throw new TaplineError('SOURCE_PURGED', {
    message: `The source has purged the binlog file ${start.file}, which was not read to its end: its files begin with ${oldest}`,
    place: { position: `${start.file}:${start.position}` },
  });
}

/**
 * MariaDB keeps no list of what was purged; its oldest binlog file begins with the position that the older ones ended at. Where that cannot be read or
 * compared, the dump itself is refused.
 */
async function refusePurged(query: Query, start: string, place: { readonly address: string }): Promise<void> {
  const [file] = await query('SHOW BINARY LOGS').catch(() => []);
  const name = file?.['Log_name'];
  if (typeof name !== 'string') return;
  const oldest = await value(query, `BINLOG_GTID_POS('${name}', 4)`);
  const ordered = (await value(query, '@@GLOBAL.gtid_strict_mode')) === '1';
  if (!MariadbPosition.parse(start).lacks(MariadbPosition.parse(oldest), ordered)) return;
  throw new TaplineError('SOURCE_PURGED', {
    message: `The source has purged transactions that were not read yet: its binlog begins after ${oldest}, the reader stands at ${start === '' ? 'no position' : start}`,
    place,
  });
}

/** What is binlogged and sent counts as executed a moment later; a replica may be about to have it. */
const CATCH_UP_SECONDS = 3;

/** The start names transactions that this server does not have: it lost its tail, or was rebuilt. It would stream others in their place. */
async function refuseUnknown(query: Query, start: string, place: { readonly address: string }): Promise<void> {
  const unknown = `GTID_SUBTRACT('${start}', @@GLOBAL.gtid_executed)`;
  if ((await value(query, unknown)) === '') return;
  await value(query, `WAIT_FOR_EXECUTED_GTID_SET('${start}', ${CATCH_UP_SECONDS})`);
  const missing = (await value(query, unknown)).replace(/\s+/g, '');
  if (missing === '') return;
  throw new TaplineError('SOURCE_BEHIND', {
    message: `The source lacks transactions that were read already: ${missing}`,
    place,
  });
}
