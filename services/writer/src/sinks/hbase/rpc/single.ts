import type { Cluster } from './cluster.ts';
import { Fields, type MessageWriter } from './message.ts';
import { type Region, regionSpecifier } from './regions.ts';

/** One cell, by its name. */
export interface CellName {
  readonly row: Buffer;
  readonly family: string;
  readonly qualifier: string;
}

/** What a cell holds, in its newest version. */
interface CellContent {
  readonly value: Buffer;
  readonly timestamp: number;
}

interface Replacement {
  readonly from: Buffer | undefined;
  /** Without a timestamp it gets the server's time, so that it is newer than what deleted the cell. */
  readonly to: { readonly value: Buffer; readonly timestamp: number | undefined };
}

/** A region that is open. */
export type OpenRegion = Region & { readonly server: string };

const PUT = 2;
const EQUAL = 2;
const COMPARATOR = 'org.apache.hadoop.hbase.filter.BinaryComparator';

/**
 * Reads one cell; undefined where there is none.
 *
 *     GetRequest{region=1, get=2{row=1, column=2{family=1, qualifier=2}}}
 *     GetResponse{result=1{cell=1{timestamp=4, value=6}}}
 *
 * @throws TaplineError SINK_HBASE_…
 */
export async function readCell(
  cluster: Cluster,
  region: OpenRegion,
  { row, family, qualifier }: CellName,
): Promise<CellContent | undefined> {
  const request = cluster.request('Get', (message) => {
    message.bytes(1, regionSpecifier(region));
    const get = message.open(2);
    message.bytes(1, row);
    const column = message.open(2);
    message.text(1, family);
    message.text(2, qualifier);
    message.close(column);
    message.close(get);
  });
  const result = fieldOf(await cluster.regionServer(region.server, request), 1);
  const cell = result && fieldOf(result, 1);
  if (cell === undefined) return undefined;
  const fields = new Fields(cell);
  let content: CellContent = { value: Buffer.alloc(0), timestamp: 0 };
  while (fields.next()) {
    if (fields.field === 4) content = { ...content, timestamp: fields.number };
    else if (fields.field === 6) content = { ...content, value: Buffer.from(fields.bytes) };
  }
  return content;
}

/**
 * Writes a cell if it holds just this now; undefined: if it is not there.
 *
 *     MutateRequest{region=1, mutation=2{row=1, mutate_type=2, column_value=3{family=1, qualifier_value=2{qualifier=1, value=2, timestamp=3}}}, condition=3}
 *     Condition{row=1, family=2, qualifier=3, compare_type=4, comparator=5{name=1, serialized_comparator=2 BinaryComparator{comparable=1{value=1}}}}
 *     MutateResponse{processed=2}
 *
 * @returns whether it was written
 * @throws TaplineError SINK_HBASE_…
 */
export async function replaceCell(
  cluster: Cluster,
  region: OpenRegion,
  cell: CellName,
  { from, to }: Replacement,
): Promise<boolean> {
  const { row, family, qualifier } = cell;
  const request = cluster.request('Mutate', (message) => {
    message.bytes(1, regionSpecifier(region));
    const mutation = message.open(2);
    message.bytes(1, row);
    message.uint(2, PUT);
    const column = message.open(3);
    message.text(1, family);
    const content = message.open(2);
    message.text(1, qualifier);
    message.bytes(2, to.value);
    if (to.timestamp !== undefined) message.long(3, BigInt(to.timestamp));
    message.close(content);
    message.close(column);
    message.close(mutation);
    writeCondition(message, cell, from ?? Buffer.alloc(0));
  });
  const answer = new Fields(await cluster.regionServer(region.server, request));
  let written = false;
  while (answer.next()) if (answer.field === 2) written = answer.number !== 0;
  return written;
}

/** A value of no bytes holds where there is no cell. */
function writeCondition(message: MessageWriter, { row, family, qualifier }: CellName, value: Buffer): void {
  const condition = message.open(3);
  message.bytes(1, row);
  message.text(2, family);
  message.text(3, qualifier);
  message.uint(4, EQUAL);
  const comparator = message.open(5);
  message.text(1, COMPARATOR);
  const serialized = message.open(2);
  const comparable = message.open(1);
  message.bytes(1, value);
  message.close(comparable);
  message.close(serialized);
  message.close(comparator);
  message.close(condition);
}

/**
 * Whether a region has no row.
 *
 *     ScanRequest{region=1, scan=2{}, number_of_rows=4, close_scanner=5}
 *     ScanResponse{results=5}
 *
 * @throws TaplineError SINK_HBASE_…
 */
export async function isEmptyRegion(cluster: Cluster, region: OpenRegion): Promise<boolean> {
  const request = cluster.request('Scan', (message) => {
    message.bytes(1, regionSpecifier(region));
    message.close(message.open(2));
    message.uint(4, 1);
    message.bool(5, true);
  });
  return fieldOf(await cluster.regionServer(region.server, request), 5) === undefined;
}

/** The first field of this number, a message's bytes. */
function fieldOf(message: Buffer, field: number): Buffer | undefined {
  const fields = new Fields(message);
  while (fields.next()) if (fields.field === field) return fields.bytes;
  return undefined;
}
