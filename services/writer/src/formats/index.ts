import { type KafkaRecord, readHeader, type TopicPartition } from '@tapline/kafka';
import type { Change, ChangeDecode, Decode, Decoded } from '@tapline/sink';
import { canalChanges, isCanal } from './canal.ts';
import { type JsonObject, parseObject, unreadable } from './json.ts';
import { hasMaxwellKey, isMaxwell, maxwellChanges, maxwellTombstone } from './maxwell.ts';
import { debeziumReaders, isDebezium, isPlain, plainChanges, plainReaders, plainTombstone } from './plain.ts';
import { FormatRecord } from './record.ts';
import { Columns, type DeclaredTables } from './tables.ts';

export type Format = 'auto' | 'tapline' | 'debezium' | 'canal' | 'maxwell' | 'plain';

export interface FormatOptions extends DeclaredTables {
  readonly format: Format;
  /** The versions' highest bits: raised when the topics were made anew, or got more partitions. */
  readonly epoch: number;
}

/** Bits of a version that are the record's offset. */
const OFFSET_BITS = 48n;
/** One header, `v`, of 8 bytes: what stands in front of a version in a record of Tapline. */
const VERSION_HEADER = Buffer.from([2, 2, 0x76, 16]);

/**
 * Reads topics that others than Tapline's readers write. Their versions are `epoch × 2^48 + offset`: a key is always in one partition, and there
 * offsets grow in the order in which the producer wrote. A position, GTID or time of the source, which the formats carry too, does not always grow: it
 * goes back at a failover, with a clock, in a snapshot taken anew; an older version would be refused in the sink as stale, and the change be lost.
 *
 * @param read Tapline's own decoder: for its records, and for Debezium's with schemas or in Avro, which look alike.
 */
export function formatDecoder({ format, epoch, ...declared }: FormatOptions, read: ChangeDecode): Decode {
  if (format === 'tapline') return read;
  const columns = new Columns(declared);
  const base = BigInt(epoch) << OFFSET_BITS;
  return (place, record) => {
    if (format === 'auto' && readHeader(record.headers, 'v')?.length === 8) return read(place, record);
    return decode(format, columns, read, { place, record, version: base + record.offset });
  };
}

interface Given {
  readonly place: TopicPartition;
  readonly record: KafkaRecord;
  readonly version: bigint;
}

function decode(
  format: Format,
  columns: Columns,
  read: ChangeDecode,
  { place, record, version }: Given,
): Decoded | Promise<Decoded> {
  const one = new FormatRecord(place.topic, record, version);
  // What says how it is to be read is read as what Tapline writes, of a tombstone the key.
  const mayBeOwn = format === 'auto' || format === 'debezium';
  const said = record.value ?? record.key;
  if (mayBeOwn && said !== null && hasSchema(said)) return read(place, versioned(record, version));
  if (record.value === null) return record.key === null ? undefined : tombstone(format, columns, one, record.key);
  const json = parseObject(record.value);
  if (mayBeOwn && 'schema' in json && 'payload' in json) return read(place, versioned(record, version));
  switch (format === 'auto' ? formatOf(json) : format) {
    case 'canal':
      return wanted(canalChanges(one, json, columns));
    case 'maxwell':
      return wanted(maxwellChanges(one, json, columns));
    case 'debezium':
      return wanted(plainChanges(one, json, columns, debeziumReaders));
    default:
      return wanted(plainChanges(one, json, columns, plainReaders));
  }
}

function tombstone(format: Format, columns: Columns, one: FormatRecord, key: Buffer): Decoded {
  if (format === 'canal') return undefined;
  if (format === 'maxwell' || (format === 'auto' && hasMaxwellKey(key))) return wanted(maxwellTombstone(one, columns));
  return wanted(plainTombstone(one, columns, format === 'plain' ? plainReaders : debeziumReaders));
}

function wanted(changes: readonly Change[]): Decoded {
  return changes.length === 0 ? undefined : changes;
}

/** Avro with a schema id in front, or JSON with a Connect schema. */
function hasSchema(bytes: Buffer): boolean {
  return bytes[0] === 0 || (bytes[0] === 0x7b && /^\{\s*"schema"\s*:\s*\{/.test(bytes.toString('latin1', 0, 64)));
}

/** As if Tapline had written it. */
function versioned(record: KafkaRecord, version: bigint): KafkaRecord {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(version);
  const { offset, timestampMs, key, value } = record;
  return { offset, timestampMs, key, value, headers: Buffer.concat([VERSION_HEADER, bytes]) };
}

function formatOf(json: JsonObject): Exclude<Format, 'auto' | 'tapline'> {
  if (isCanal(json)) return 'canal';
  if (isMaxwell(json)) return 'maxwell';
  if (isDebezium(json)) return 'debezium';
  if (isPlain(json)) return 'plain';
  const fields = Object.keys(json).join(', ').slice(0, 200);
  throw unreadable(`The record is of none of the formats that are known: its fields are ${fields}.`);
}
