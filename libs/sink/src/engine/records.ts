import type { Change } from '@tapline/envelope';
import type { KafkaRecord, TopicPartition } from '@tapline/kafka';
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
export function laneKey(key: Buffer | null): number {
  return key === null ? 0 : hashOf(key);
}

/** The same of one of several changes in a record, by the key of its row. */
export function laneKeyOf({ topic, key }: Change): number {
  return hashOf(Buffer.from(`${topic}\0${Object.values(key ?? {}).join('\0')}`));
}

/** FNV-1a. Not Kafka's murmur2: by that the keys of a partition are alike already. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < bytes.length; index++) hash = Math.imul(hash ^ (bytes[index] as number), 0x01000193);
  return hash >>> 0;
}
