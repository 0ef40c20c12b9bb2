import { randomInt } from 'node:crypto';
import ZongJi from '@vlasky/zongji';
import type { TypeColumn } from './column.ts';
import type { Changes } from './encoders.ts';
import type { MatrixTable } from './matrix.ts';

/** A row's columns as zongji's own decoder gave them, in texts like those of a SELECT; `undefined` where it is known to be wrong. */
type OracleRow = readonly (string | null | undefined)[];

export interface OracleChange {
  readonly op: 'c' | 'u' | 'd';
  readonly before: OracleRow | undefined;
  readonly after: OracleRow | undefined;
}

const OPS: Readonly<Record<string, OracleChange['op']>> = { WriteRows: 'c', UpdateRows: 'u', DeleteRows: 'd' };

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Of the types of random-columns.ts, with zongji's options below. */
type ZongjiValue = string | number | Buffer | Point | null;

type ZongjiRow = Readonly<Record<string, ZongjiValue>>;

interface RowsEvent {
  readonly tableId: number;
  readonly tableMap: Readonly<Record<number, { readonly tableName: string }>>;
  readonly rows: readonly (ZongjiRow | { readonly before: ZongjiRow; readonly after: ZongjiRow })[];
  getTypeName(): string;
}

/** Reads the changes of these tables with zongji, each table's in their order. */
export async function zongjiChanges(
  tables: readonly MatrixTable[],
  { address, database, gtidSet }: Changes,
): Promise<ReadonlyMap<string, readonly OracleChange[]>> {
  const changes = new Map<string, OracleChange[]>(tables.map(({ name }) => [name, []]));
  const columnsOf = new Map(tables.map(({ name, columns }) => [name, columns]));
  const { host, port, user, password } = address;
  const zongji = new ZongJi({ host, port, user, password, dateStrings: true, jsonStrings: true, timezone: 'Z' });
  try {
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('zongji did not come to the end')), 300_000);
      const end = (finish: () => void): void => {
        clearTimeout(late);
        finish();
      };
      zongji.on('error', (error: Error) => end(() => reject(error)));
      zongji.on('binlog', (raw: unknown) => {
        const event = raw as RowsEvent;
        const op = OPS[event.getTypeName()];
        if (op === undefined) return;
        const table = event.tableMap[event.tableId]?.tableName ?? '';
        if (table === 'done') end(resolve);
        const columns = columnsOf.get(table) ?? [];
        for (const row of event.rows) changes.get(table)?.push(changeOf(op, row, columns));
      });
      zongji.start({
        serverId: randomInt(100_000, 2 ** 31),
        gtidSet,
        includeEvents: ['tablemap', 'writerows', 'updaterows', 'deleterows'],
        includeSchema: { [database]: true },
      });
    });
  } finally {
    zongji.stop();
  }
  return changes;
}

function changeOf(
  op: OracleChange['op'],
  row: RowsEvent['rows'][number],
  columns: readonly TypeColumn[],
): OracleChange {
  const texts = (image: unknown): OracleRow =>
    columns.map((column) => textOf((image as ZongjiRow)[column.name], column));
  if (op === 'u') {
    const { before, after } = row as { before: ZongjiRow; after: ZongjiRow };
    return { op, before: texts(before), after: texts(after) };
  }
  return { op, before: op === 'd' ? texts(row) : undefined, after: op === 'c' ? texts(row) : undefined };
}

function textOf(value: ZongjiValue | undefined, { type }: TypeColumn): string | null | undefined {
  if (value === null) return null;
  if (value === undefined) return 'no such column';
  if (Buffer.isBuffer(value)) return bufferText(value, type);
  if (typeof value === 'object') return pointText(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  // Negative times whose seconds are 0 come as 64 of them.
  if (type.startsWith('time(') && value.startsWith('-')) return undefined;
  return comparableText(value, type);
}

/** zongji writes numbers of a document as JavaScript does, `1e+300`: compared by value. Their exact texts are compared with SELECT's. */
export function comparableText(text: string | null, type: string): string | null {
  return type === 'json' && text !== null ? JSON.stringify(JSON.parse(text)) : text;
}

/** As `geometry` prints it. The SRID is lost. */
function pointText({ x, y }: Point): string {
  const wkb = Buffer.alloc(21);
  wkb[0] = 1;
  wkb.writeUInt32LE(1, 1);
  wkb.writeDoubleLE(x, 5);
  wkb.writeDoubleLE(y, 13);
  return `0 ${wkb.toString('hex').toUpperCase()}`;
}

function bufferText(value: Buffer, type: string): string {
  if (type.startsWith('bit')) return BigInt(`0x${value.toString('hex')}`).toString();
  // The wire leaves trailing zero bytes of BINARY(n) out.
  const width = Number(/^binary\((\d+)\)/.exec(type)?.[1] ?? 0);
  return value
    .toString('hex')
    .toUpperCase()
    .padEnd(width * 2, '0');
}
