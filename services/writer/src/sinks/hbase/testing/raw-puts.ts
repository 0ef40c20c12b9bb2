import { CellBlock, columnName } from '../rpc/cells.ts';
import type { Cluster } from '../rpc/cluster.ts';
import type { Request } from '../rpc/connection.ts';
import type { MessageWriter } from '../rpc/message.ts';
import { type Parts, readMulti, writeMulti, writePut } from '../rpc/multi.ts';
import { type Region, regionOfRow } from '../rpc/regions.ts';

export interface RawRow {
  readonly row: Buffer;
  /** What stands in each column, as text. */
  readonly columns: Readonly<Record<string, string>>;
}

export interface RawPutsOptions {
  readonly table: string;
  readonly family: string;
  readonly rowsPerCall: number;
  /** Calls under way at once. */
  readonly calls: number;
}

interface RawCall {
  readonly server: string;
  readonly request: Request;
  readonly parts: Parts;
  readonly rows: number;
}

interface LocatedRow extends RawRow {
  readonly region: Region;
}

/** Sends calls as long as there are some and `more` says so. @returns rows that were put. */
export type SendRawPuts = (more?: () => boolean) => Promise<number>;

/** Plain puts of rows over the sink's own RPC, made beforehand: no versions, nothing asked, nothing hidden. @returns what sends them. */
export async function makeRawPuts(
  cluster: Cluster,
  rows: readonly RawRow[],
  { table, family, rowsPerCall, calls }: RawPutsOptions,
): Promise<SendRawPuts> {
  const regions = await cluster.regions(table);
  const located = rows.flatMap((one): LocatedRow[] => {
    const region = regionOfRow(regions, one.row);
    return region === undefined ? [] : [{ region, ...one }];
  });
  const made: RawCall[] = [];
  for (let from = 0; from < located.length; from += rowsPerCall)
    made.push(rawCall(cluster, located.slice(from, from + rowsPerCall), family));
  let next = 0;
  return async (more = () => true) => {
    let done = 0;
    const send = async (): Promise<void> => {
      while (more()) {
        const one = made[next++];
        if (one === undefined) return;
        await sendCall(cluster, one);
        done += one.rows;
      }
    };
    await Promise.all(Array.from({ length: calls }, send));
    return done;
  };
}

function rawCall(cluster: Cluster, rows: readonly LocatedRow[], family: string): RawCall {
  const cells = new CellBlock();
  const names = Object.keys(rows[0]?.columns ?? {}).map((column) => [column, columnName(family, column)] as const);
  let parts: Parts = [];
  const write = (message: MessageWriter): void => {
    parts = writeMulti(message, rows, ({ row, columns }, index) => {
      cells.begin(row, BigInt(Date.now()));
      for (const [column, name] of names) cells.text(name, columns[column] ?? '');
      writePut(message, index, row, cells.cells);
      return true;
    });
  };
  const request = cluster.request('Multi', write, cells);
  return { server: rows[0]?.region.server ?? '', request, parts, rows: rows.length };
}

async function sendCall(cluster: Cluster, { server, request, parts, rows }: RawCall): Promise<void> {
  const answers = readMulti(await cluster.regionServer(server, request), parts);
  const done = answers.filter((answer) => answer === 'done').length;
  if (done !== rows) throw new Error(`${rows - done} puts were refused: ${answers.find((one) => one !== 'done')}`);
}
