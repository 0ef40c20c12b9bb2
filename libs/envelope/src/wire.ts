/** A row image of the binlog: column i's own bytes are `buffer[offsets[i] .. offsets[i] + lengths[i])` where `states[i]` is VALUE. */
export interface RowImage {
  readonly buffer: Buffer;
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
  readonly states: Uint8Array;
}

export const COLUMN_STATE = { VALUE: 0, NULL: 1, ABSENT: 2 } as const;

export interface WireColumn {
  readonly type: number;
  readonly meta: number;
  readonly nullable: boolean;
  readonly unsigned?: boolean;
  readonly name?: string;
  readonly charsetId?: number;
  readonly memberBytes?: readonly Buffer[];
  readonly geometryType?: number;
  readonly dimensions?: number;
}

export interface TableMap {
  readonly id: number;
  readonly database: string;
  readonly table: string;
  readonly columns: readonly WireColumn[];
  readonly primaryKey?: readonly number[];
}
