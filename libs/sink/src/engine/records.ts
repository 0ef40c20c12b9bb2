import type { Change } from '@tapline/envelope';
import type { FetchedRecord, KafkaRecord, TopicPartition } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';

/** The error again, with the place of the record that it is about. */
export function placedAt(error: TaplineError, { topic, partition }: TopicPartition, offset: number): TaplineError {
  return new TaplineError(error.code, {
    message: error.message,
    place: { ...error.place, topic, partition, offset: String(offset) },
    remedy: error.remedy,
    disposition: error.disposition,
    cause: error.cause,
  });
}

/** A record that outlives its batch, whose memory is used again. */
export function copyOf({ offset, timestampMs, key, value, headers }: KafkaRecord): KafkaRecord {
  const copy = (bytes: Buffer | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes));
  return { offset, timestampMs, key: copy(key), value: copy(value), headers: Buffer.from(headers) };
}

/** What chooses the lane of a record's change: a key's records have one number. */
export function laneKey({ bytes, keyStart, keyEnd }: FetchedRecord): number {
  return keyStart < 0 ? 0 : hashOf(bytes, keyStart, keyEnd);
}

/** The same of one of several changes in a record, by the key of its row. */
export function laneKeyOf({ topic, key }: Change): number {
  const bytes = Buffer.from(`${topic}\0${Object.values(key ?? {}).join('\0')}`);
  return hashOf(bytes, 0, bytes.length);
}

/** FNV-1a. Not Kafka's murmur2: by that the keys of a partition are alike already. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let index = start; index < end; index++) hash = Math.imul(hash ^ (bytes[index] as number), 0x01000193);
  return hash >>> 0;
}
