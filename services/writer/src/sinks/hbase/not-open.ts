import { TaplineError } from '@tapline/kernel';
import type { Region } from './rpc/regions.ts';

/** Why a row has no server now: its region is not there, or not open. */
export function notOpen(table: string, region: Region | undefined): TaplineError {
  const message =
    region === undefined
      ? `A part of table ${table} has no region now.`
      : `A region of table ${table} is not open anywhere.`;
  return new TaplineError('SINK_HBASE_DISABLED', { message, place: { table } });
}
