import { sleep } from '@tapline/kernel';
import { neverAborted } from '@tapline/sink';
import { createTable } from '../rpc/admin.ts';
import { Cluster } from '../rpc/cluster.ts';
import { Fields, type MessageWriter } from '../rpc/message.ts';
import { regionOfRow, regionSpecifier } from '../rpc/regions.ts';
import { makeRawPuts, type RawPutsOptions, type RawRow, type SendRawPuts } from './raw-puts.ts';

export type { SendRawPuts };

export interface Cell {
  readonly family: string;
  readonly column: string;
  readonly value: Buffer;
  readonly timestamp: bigint;
}

const PAGE_ROWS = 2000;

/** The store's own eyes: reads rows of a table past the sink. */
export class HBaseEyes implements AsyncDisposable {
  readonly cluster: Cluster;

  constructor(master: string) {
    this.cluster = new Cluster({ masters: [master], reachAt: {}, user: 'eyes', timeoutMs: 60_000 });
  }

  /** All cells of a row, `versions` of each column, `raw`: also what is deleted; of these families only, where some are named. */
  async row(
    table: string,
    row: Buffer,
    families: readonly string[] = [],
    { versions = 1, raw = false }: { readonly versions?: number; readonly raw?: boolean } = {},
  ): Promise<readonly Cell[]> {
    const region = regionOfRow(await this.cluster.regions(table), row);
    if (region?.server === undefined) {
      // Its regions are asked for anew the next time: the table may be made by then.
      this.cluster.forget(table);
      return [];
    }
    // GetRequest{region=1, get=2{row=1, column=2{family=1}, max_versions=6}}
    const request = this.cluster.request('Get', (message) => {
      message.bytes(1, regionSpecifier(region));
      const get = message.open(2);
      message.bytes(1, row);
      for (const family of families) {
        const column = message.open(2);
        message.text(1, family);
        message.close(column);
      }
      if (raw) {
        // Scan.setRaw: deleted cells and what deleted them, too.
        const attribute = message.open(3);
        message.text(1, '_raw_');
        message.bytes(2, Buffer.from([255]));
        message.close(attribute);
      }
      message.uint(6, versions);
      message.close(get);
    });
    return readCells(await this.cluster.regionServer(region.server, request));
  }

  /** All rows of a table, in their order, the newest cell of each column of these families. */
  async *rows(
    table: string,
    families: readonly string[],
  ): AsyncGenerator<{ readonly row: Buffer; readonly cells: readonly Cell[] }> {
    this.cluster.forget(table);
    for (const region of await this.cluster.regions(table)) {
      for (let from: Buffer = Buffer.alloc(0); ; ) {
        // ScanRequest{region=1, scan=2{column=1{family=1}, start_row=3}, number_of_rows=4, close_scanner=5}
        const request = this.cluster.request('Scan', (message) => {
          message.bytes(1, regionSpecifier(region));
          const scan = message.open(2);
          for (const family of families) {
            const column = message.open(1);
            message.text(1, family);
            message.close(column);
          }
          message.bytes(3, from);
          message.close(scan);
          message.uint(4, PAGE_ROWS);
          message.bool(5, true);
        });
        const page = readRows(await this.cluster.regionServer(region.server ?? '', request));
        yield* page;
        const last = page.at(-1);
        // The server may give fewer rows than asked for while there are more.
        if (last === undefined) break;
        from = Buffer.concat([last.row, Buffer.alloc(1)]);
      }
    }
  }

  async count(table: string, families: readonly string[]): Promise<number> {
    let count = 0;
    for await (const _ of this.rows(table, families)) count++;
    return count;
  }

  /** A table of one region, with families as the sink would make them. */
  async makeTable(name: string, families: readonly string[]): Promise<void> {
    const made = families.map((family) => ({ name: family, attributes: new Map([['VERSIONS', '1']]) }));
    await createTable(this.cluster, { name, families: made, splitKeys: [] }, neverAborted());
  }

  /** Plain puts of rows, made beforehand. @returns what sends them. */
  rawPuts(rows: readonly RawRow[], options: RawPutsOptions): Promise<SendRawPuts> {
    return makeRawPuts(this.cluster, rows, options);
  }

  /** Sets an attribute of the table, as `alter` in the HBase shell does. */
  async alter(table: string, attribute: string, value: string): Promise<void> {
    const found = new Fields(await this.cluster.master('GetTableDescriptors', (message) => writeName(message, table)));
    found.next();
    const started = await this.cluster.master('ModifyTable', (message) => {
      writeName(message, table);
      const schema = message.open(2);
      message.raw(found.bytes);
      const pair = message.open(2);
      message.text(1, attribute);
      message.text(2, value);
      message.close(pair);
      message.close(schema);
    });
    await this.#procedure(started);
  }

  /** `DisableTable`, `EnableTable`, `DeleteTable`: a procedure of the master on a table. */
  async tableProcedure(method: string, table: string): Promise<void> {
    const started = await this.cluster.master(method, (message) => writeName(message, table));
    await this.#procedure(started);
    this.cluster.forget(table);
  }

  /** How many regions the table has. */
  async regions(table: string): Promise<number> {
    this.cluster.forget(table);
    return (await this.cluster.regions(table)).length;
  }

  /** Writes what is in memory to files and makes one of them, without deleted cells and the markers that deleted them. Resolves when `settled` holds. */
  async majorCompact(table: string, settled: () => Promise<boolean>): Promise<void> {
    for (const region of await this.cluster.regions(table)) {
      const name = regionSpecifier(region);
      const server = region.server ?? '';
      await this.cluster.regionServer(
        server,
        this.cluster.request('FlushRegion', (to) => to.bytes(1, name)),
        'AdminService',
      );
      const compact = this.cluster.request('CompactRegion', (to) => {
        to.bytes(1, name);
        to.bool(2, true);
      });
      await this.cluster.regionServer(server, compact, 'AdminService');
    }
    while (!(await settled())) await sleep(50);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
  }

  async #procedure(started: Buffer): Promise<void> {
    const id = new Fields(started);
    id.next();
    for (;;) {
      const answer = new Fields(
        await this.cluster.master('getProcedureResult', (message) => message.uint(1, id.number)),
      );
      answer.next();
      if (answer.number !== 1) return;
      await sleep(30);
    }
  }
}

/** TableName{namespace=1, qualifier=2} as field 1 */
function writeName(message: MessageWriter, table: string): void {
  const name = message.open(1);
  message.text(1, 'default');
  message.text(2, table);
  message.close(name);
}

/** GetResponse{result=1{cell=1{family=2, qualifier=3, timestamp=4, value=6}}} */
function readCells(answer: Buffer): readonly Cell[] {
  const cells: Cell[] = [];
  const response = new Fields(answer);
  while (response.next()) {
    if (response.field !== 1) continue;
    const result = new Fields(response.bytes);
    while (result.next()) if (result.field === 1) cells.push(readCell(result.bytes));
  }
  return cells;
}

/** ScanResponse{results=5{cell=1{row=1, …}}} */
function readRows(answer: Buffer): { row: Buffer; cells: readonly Cell[] }[] {
  const rows: { row: Buffer; cells: Cell[] }[] = [];
  const response = new Fields(answer);
  while (response.next()) {
    if (response.field !== 5) continue;
    const found = { row: Buffer.alloc(0), cells: [] as Cell[] };
    const result = new Fields(response.bytes);
    while (result.next()) {
      if (result.field !== 1) continue;
      const cell = new Fields(result.bytes);
      if (cell.next() && cell.field === 1) found.row = Buffer.from(cell.bytes);
      found.cells.push(readCell(result.bytes));
    }
    rows.push(found);
  }
  return rows;
}

function readCell(bytes: Buffer): Cell {
  const fields = new Fields(bytes);
  let family = '';
  let column = '';
  let value: Buffer = Buffer.alloc(0);
  let timestamp = 0n;
  let before = 0;
  while (fields.next()) {
    if (fields.field === 2) family = fields.text;
    else if (fields.field === 3) column = fields.text;
    else if (fields.field === 4) timestamp = exactVarint(bytes.subarray(before + 1, fields.position));
    else if (fields.field === 6) value = fields.bytes;
    before = fields.position;
  }
  return { family, column, value, timestamp };
}

function exactVarint(bytes: Buffer): bigint {
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 7n) | BigInt(byte & 127);
  return value;
}
