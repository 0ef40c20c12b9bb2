import { sleep, TaplineError } from '@tapline/kernel';
import type { Cluster } from './cluster.ts';
import { RemoteException } from './connection.ts';
import { Fields, type MessageWriter } from './message.ts';

export interface FamilySchema {
  readonly name: string;
  /** `VERSIONS`, `TTL`, `KEEP_DELETED_CELLS`…, as the HBase shell names them. */
  readonly attributes: ReadonlyMap<string, string>;
}

export interface TableSchema {
  /** `READONLY`…, as the HBase shell names them. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly families: readonly FamilySchema[];
}

export interface NewTable {
  readonly name: string;
  readonly families: readonly FamilySchema[];
  /** Where regions begin, but for the first. */
  readonly splitKeys: readonly Buffer[];
}

const PROCEDURE_POLL_MS = 50;

/** The parts of a table's name: `namespace:name`, or a name in `default`. */
function writeTableName(writer: MessageWriter, table: string): void {
  const colon = table.indexOf(':');
  writer.text(1, colon < 0 ? 'default' : table.slice(0, colon));
  writer.text(2, table.slice(colon + 1));
}

/** GetTableDescriptorsRequest{table_names=1}. @returns undefined when there is no such table. */
export async function describeTable(cluster: Cluster, table: string): Promise<TableSchema | undefined> {
  const answer = await cluster.master('GetTableDescriptors', (message) => {
    const name = message.open(1);
    writeTableName(message, table);
    message.close(name);
  });
  const fields = new Fields(answer);
  while (fields.next()) if (fields.field === 1) return readTableSchema(fields.bytes);
  return undefined;
}

/** TableSchema{attributes=2, column_families=3} */
function readTableSchema(bytes: Buffer): TableSchema {
  const fields = new Fields(bytes);
  const attributes = new Map<string, string>();
  const families: FamilySchema[] = [];
  while (fields.next()) {
    if (fields.field === 2) readPair(fields.bytes, attributes);
    else if (fields.field === 3) families.push(readFamily(fields.bytes));
  }
  return { attributes, families };
}

/** ColumnFamilySchema{name=1, attributes=2} */
function readFamily(bytes: Buffer): FamilySchema {
  const fields = new Fields(bytes);
  const attributes = new Map<string, string>();
  let name = '';
  while (fields.next()) {
    if (fields.field === 1) name = fields.text;
    else if (fields.field === 2) readPair(fields.bytes, attributes);
  }
  return { name, attributes };
}

/** BytesBytesPair{first=1, second=2} */
function readPair(bytes: Buffer, into: Map<string, string>): void {
  const fields = new Fields(bytes);
  let first = '';
  let second = '';
  while (fields.next()) {
    if (fields.field === 1) first = fields.text;
    else if (fields.field === 2) second = fields.text;
  }
  into.set(first, second);
}

/**
 * Makes the table, and its namespace where that is not there. Resolves when it can be written to, also when somebody else made it meanwhile.
 *
 * CreateTableRequest{table_schema=1{table_name=1, column_families=3}, split_keys=2}
 */
export async function createTable(cluster: Cluster, table: NewTable, signal: AbortSignal): Promise<void> {
  const create = (): Promise<void> =>
    procedure(cluster, signal, 'CreateTable', (message) => {
      const schema = message.open(1);
      const name = message.open(1);
      writeTableName(message, table.name);
      message.close(name);
      for (const family of table.families) writeFamily(message, family);
      message.close(schema);
      for (const key of table.splitKeys) message.bytes(2, key);
    });
  try {
    await create();
  } catch (error) {
    // Not made beforehand: who may create tables in a namespace may not be allowed to create namespaces.
    if (classOf(error) !== 'org.apache.hadoop.hbase.NamespaceNotFoundException') throw error;
    await createNamespace(cluster, table.name.slice(0, table.name.indexOf(':')), signal);
    await create();
  }
}

/** The class of the exception behind an error. */
function classOf(error: unknown): string {
  return error instanceof TaplineError && error.cause instanceof RemoteException ? error.cause.className : '';
}

function writeFamily(message: MessageWriter, { name, attributes }: FamilySchema): void {
  const family = message.open(3);
  message.text(1, name);
  for (const [attribute, value] of attributes) {
    const pair = message.open(2);
    message.text(1, attribute);
    message.text(2, value);
    message.close(pair);
  }
  message.close(family);
}

/** CreateNamespaceRequest{namespaceDescriptor=1{name=1}} */
async function createNamespace(cluster: Cluster, namespace: string, signal: AbortSignal): Promise<void> {
  await procedure(cluster, signal, 'CreateNamespace', (message) => {
    const descriptor = message.open(1);
    message.text(1, namespace);
    message.close(descriptor);
  });
}

/** Exceptions that mean: it is there already. */
const EXISTS: ReadonlySet<string> = new Set([
  'org.apache.hadoop.hbase.TableExistsException',
  'org.apache.hadoop.hbase.NamespaceExistException',
]);

/** Starts a procedure of the master, whose answer is its id (field 1), and waits for its end. */
async function procedure(
  cluster: Cluster,
  signal: AbortSignal,
  method: string,
  write: (message: MessageWriter) => void,
): Promise<void> {
  try {
    const id = firstNumber(await cluster.master(method, write));
    for (;;) {
      const result = await cluster.master('getProcedureResult', (message) => message.uint(1, id));
      if (readProcedure(result)) return;
      await sleep(PROCEDURE_POLL_MS, signal);
    }
  } catch (error) {
    if (!EXISTS.has(classOf(error))) throw error;
  }
}

function firstNumber(bytes: Buffer): number {
  const fields = new Fields(bytes);
  while (fields.next()) if (fields.field === 1) return fields.number;
  return 0;
}

const RUNNING = 1;

/** GetProcedureResultResponse{state=1, exception=5 ForeignExceptionMessage{generic_exception=2{class_name=1, message=2}}}. @returns whether it has ended. */
function readProcedure(bytes: Buffer): boolean {
  const fields = new Fields(bytes);
  let state = 0;
  while (fields.next()) {
    if (fields.field === 1) state = fields.number;
    else if (fields.field === 5) throw procedureError(fields.bytes);
  }
  return state !== RUNNING;
}

function procedureError(bytes: Buffer): TaplineError {
  const foreign = new Fields(bytes);
  let className = '';
  let text = '';
  while (foreign.next()) {
    if (foreign.field !== 2) continue;
    const generic = new Fields(foreign.bytes);
    while (generic.next()) {
      if (generic.field === 1) className = generic.text;
      else if (generic.field === 2) text = generic.text;
    }
  }
  const cause = new RemoteException(className, text, true);
  return new TaplineError('SINK_HBASE_TABLE', { message: `HBase could not make the table: ${cause.message}`, cause });
}

/** Release of the active master, such as `2.6.1`. GetClusterStatusRequest{options=1 HBASE_VERSION(0)}, cluster_status=1{hbase_version=1{version=1}} */
export async function serverVersion(cluster: Cluster): Promise<string> {
  const answer = await cluster.master('GetClusterStatus', (message) => message.uint(1, 0));
  let bytes = answer;
  for (let depth = 0; depth < 3; depth++) {
    const fields = new Fields(bytes);
    let inner: Buffer | undefined;
    while (fields.next()) if (fields.field === 1) inner ??= fields.bytes;
    if (inner === undefined) return '';
    bytes = inner;
  }
  return bytes.toString();
}
