import { Fields, MessageWriter } from './message.ts';

/** host:port of a master or region server. */
export type ServerAddress = string;

/** One region of a table, and the server that had it when hbase:meta was read. */
export interface Region {
  /** `<table>,<start key>,<id>.<hash>.`, which names it in requests. */
  readonly name: Buffer;
  readonly startKey: Buffer;
  /** Empty: the table's last. */
  readonly endKey: Buffer;
  /** Undefined while it is not open anywhere. */
  readonly server: ServerAddress | undefined;
}

const META_REGION = Buffer.from('hbase:meta,,1');
const REGION_NAME = 1;

/** RegionSpecifier{type=1, value=2}: by the whole name, as servers take the value for that whatever the type says. */
export function regionSpecifier({ name }: Pick<Region, 'name'>): Buffer {
  const writer = new MessageWriter(64);
  writer.uint(1, REGION_NAME);
  writer.bytes(2, name);
  return writer.finish();
}

/** ServerName{host_name=1, port=2} */
export function readServerName(bytes: Buffer): ServerAddress {
  const fields = new Fields(bytes);
  let host = '';
  let port = 0;
  while (fields.next()) {
    if (fields.field === 1) host = fields.text;
    else if (fields.field === 2) port = fields.number;
  }
  return `${host}:${port}`;
}

/** GetMetaRegionLocationsResponse{meta_locations=1 RegionLocation{region_info=1{replica_id=7}, server_name=2}} */
export function readMetaLocation(bytes: Buffer): ServerAddress | undefined {
  const locations = new Fields(bytes);
  while (locations.next()) {
    if (locations.field !== 1) continue;
    const location = new Fields(locations.bytes);
    let replica = 0;
    let server: ServerAddress | undefined;
    while (location.next()) {
      if (location.field === 1) replica = replicaOf(location.bytes);
      else if (location.field === 2) server = readServerName(location.bytes);
    }
    if (replica === 0 && server !== undefined) return server;
  }
  return undefined;
}

function replicaOf(regionInfo: Buffer): number {
  const fields = new Fields(regionInfo);
  while (fields.next()) if (fields.field === 7) return fields.number;
  return 0;
}

/**
 * A scan of hbase:meta over the regions of `table`, whose rows are `<table>,<start key>,<id>.<encoded name>.`.
 * ScanRequest{region=1, scan=2{column=1{family=1}, start_row=3, stop_row=4}, number_of_rows=4}
 */
export function writeMetaScan(writer: MessageWriter, table: string): void {
  writer.bytes(1, regionSpecifier({ name: META_REGION }));
  const scan = writer.open(2);
  const column = writer.open(1);
  writer.text(1, 'info');
  writer.close(column);
  // Rows of hbase:meta are compared part by part, so that both ends need all their commas.
  writer.text(3, `${table},,`);
  writer.text(4, `${table} ,,`);
  writer.close(scan);
  writer.uint(4, SCAN_ROWS);
}

/** The next rows of a scan: ScanRequest{scanner_id=3, number_of_rows=4, next_call_seq=6} */
export function writeNextScan(writer: MessageWriter, scanner: Buffer, sequence: number): void {
  writer.raw(scanner);
  writer.uint(4, SCAN_ROWS);
  writer.uint(6, sequence);
}

const SCAN_ROWS = 1000;

export interface MetaRows {
  readonly regions: readonly Region[];
  /** The field `scanner_id` of the next request; undefined: these were all. */
  readonly scanner: Buffer | undefined;
}

/** ScanResponse{scanner_id=2, more_results=3, results=5, more_results_in_region=8} */
export function readMetaRows(bytes: Buffer): MetaRows {
  const fields = new Fields(bytes);
  const regions: Region[] = [];
  let scanner: Buffer | undefined;
  let more = true;
  let before = 0;
  while (fields.next()) {
    // The scanner's id is a random number of 64 bits: it is handed back as the bytes it came in.
    if (fields.field === 2) scanner = scannerField(bytes.subarray(before, fields.position));
    else if (fields.field === 3 || fields.field === 8) more &&= fields.number !== 0;
    else if (fields.field === 5) {
      const region = readRegion(fields.bytes);
      if (region !== undefined) regions.push(region);
    }
    before = fields.position;
  }
  return { regions, scanner: more ? scanner : undefined };
}

/** The same varint as field 3. */
function scannerField(field: Buffer): Buffer {
  const copy = Buffer.from(field);
  copy[0] = 3 << 3;
  return copy;
}

/** Result{cell=1{row=1, qualifier=3, value=6}} of a row of hbase:meta; undefined when it is no region in use (a parent of a split). */
function readRegion(result: Buffer): Region | undefined {
  const cells = new Fields(result);
  const columns = new Map<string, Buffer>();
  let row: Buffer = NOTHING;
  while (cells.next()) {
    if (cells.field !== 1) continue;
    const cell = new Fields(cells.bytes);
    let qualifier = '';
    let value: Buffer = NOTHING;
    while (cell.next()) {
      if (cell.field === 1) row = cell.bytes;
      else if (cell.field === 3) qualifier = cell.text;
      else if (cell.field === 6) value = cell.bytes;
    }
    columns.set(qualifier, value);
  }
  const info = columns.get('regioninfo');
  if (info === undefined) return undefined;
  const open = (columns.get('state')?.toString() ?? 'OPEN') === 'OPEN';
  const server = columns.get('server')?.toString();
  return regionOf(row, info, open && server !== '' ? server : undefined);
}

const NOTHING = Buffer.alloc(0);

/** "PBUF" RegionInfo{start_key=3, end_key=4, offline=5, split=6} */
function regionOf(row: Buffer, info: Buffer, server: ServerAddress | undefined): Region | undefined {
  const fields = new Fields(info.subarray(4));
  let startKey: Buffer = NOTHING;
  let endKey: Buffer = NOTHING;
  while (fields.next()) {
    if (fields.field === 3) startKey = fields.bytes;
    else if (fields.field === 4) endKey = fields.bytes;
    else if ((fields.field === 5 || fields.field === 6) && fields.number !== 0) return undefined;
  }
  return { name: row, startKey, endKey, server };
}

/** The region of a sorted list that a row is in; undefined when the list has a hole there (a split or merge is under way). */
export function regionOfRow(regions: readonly Region[], row: Buffer): Region | undefined {
  let low = 0;
  let high = regions.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (Buffer.compare((regions[middle] as Region).startKey, row) <= 0) low = middle;
    else high = middle - 1;
  }
  const region = regions[low];
  if (region === undefined || Buffer.compare(region.startKey, row) > 0) return undefined;
  return region.endKey.length === 0 || Buffer.compare(row, region.endKey) < 0 ? region : undefined;
}
