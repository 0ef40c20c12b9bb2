import { COLUMN_STATE, type RowImage, type RowsEvent, type TableMap } from '@tapline/binlog';
import { ANCHOR_DATABASE } from '@tapline/schema';

export const ANCHOR_TABLE = 't_binlog_record';

/** Made by the reader where its account may, or by an administrator. Several sources may share it: their names keep them apart. */
export const ANCHOR_TABLE_SQL: readonly string[] = [
  `CREATE DATABASE IF NOT EXISTS \`${ANCHOR_DATABASE}\``,
  `CREATE TABLE IF NOT EXISTS \`${ANCHOR_DATABASE}\`.\`${ANCHOR_TABLE}\` (
  source VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'name of the reader',
  id BIGINT UNSIGNED NOT NULL COMMENT 'grows from row to row, through restarts and failovers',
  token BIGINT UNSIGNED NOT NULL COMMENT 'random: no two servers ever wrote the same row',
  written_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (source, id)
) ENGINE=InnoDB COMMENT='written by Tapline: places that are known again on every server that replicates them'`,
];

/** What an anchor is known by. The number alone would not do: a server that died may have given it to another row than its successor. */
export interface AnchorId {
  readonly id: bigint;
  readonly token: bigint;
}

export function sameAnchor(a: AnchorId, b: AnchorId): boolean {
  return a.id === b.id && a.token === b.token;
}

export function isAnchorTable(database: string, table: string): boolean {
  return database === ANCHOR_DATABASE && table === ANCHOR_TABLE;
}

/** The places of the columns in the rows: the table is ours, so its layout is known whatever the metadata say. */
const COLUMN = { SOURCE: 0, ID: 1, TOKEN: 2 } as const;

/** Finds the anchors of one source among rows events. One lookup an event, none a row of other tables. */
export class AnchorSight {
  readonly #source: string;
  readonly #known = new WeakMap<TableMap, boolean>();

  constructor(source: string) {
    this.#source = source;
  }

  isOf(table: TableMap): boolean {
    let known = this.#known.get(table);
    if (known === undefined) {
      known = isAnchorTable(table.database, table.table);
      this.#known.set(table, known);
    }
    return known;
  }

  /** The last anchor of this source that the event inserts. */
  read(event: RowsEvent): AnchorId | undefined {
    let found: AnchorId | undefined;
    while (event.next()) {
      if (event.op !== 'insert') continue;
      const { after } = event;
      if (textOf(after, COLUMN.SOURCE) === this.#source) {
        found = { id: numberOf(after, COLUMN.ID), token: numberOf(after, COLUMN.TOKEN) };
      }
    }
    return found;
  }
}

function textOf({ buffer, offsets, lengths, states }: RowImage, column: number): string {
  if (states[column] !== COLUMN_STATE.VALUE) return '';
  const at = offsets[column] as number;
  return buffer.toString('latin1', at, at + (lengths[column] as number));
}

function numberOf({ buffer, offsets }: RowImage, column: number): bigint {
  return buffer.readBigUInt64LE(offsets[column] as number);
}
