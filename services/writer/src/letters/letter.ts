import { type KafkaRecord, readHeader } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';

/** A record that could not be applied, as it stands in the dead-letter topic. How it is written: dead-letters.ts. */
export interface Letter {
  /** `<topic>/<partition>/<offset>`: the letter's name, and where its record was. */
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  /** The record as it was, with what was added to its headers. */
  readonly record: KafkaRecord;
  readonly code: string;
  readonly message: string;
  readonly attempts: number;
  /** ISO 8601. */
  readonly parkedAt: string;
  /** The partition of the dead-letter topic that holds it. */
  readonly heldIn: number;
}

/** @throws TaplineError LETTER_UNREADABLE: something else stands in the topic. */
export function readLetter(held: KafkaRecord, heldIn: number): Letter {
  const id = held.key?.toString() ?? '';
  const header = (name: string): string | undefined => readHeader(held.headers, name)?.toString();
  const topic = header('dl.topic');
  const offset = header('dl.offset');
  if (topic === undefined || offset === undefined || !/^\d+$/.test(offset)) {
    throw new TaplineError('LETTER_UNREADABLE', {
      message: `The record ${JSON.stringify(id.slice(0, 300))} of the dead-letter topic is no dead letter: it has no headers dl.topic and dl.offset.`,
    });
  }
  return {
    id,
    topic,
    partition: Number(header('dl.partition') ?? 0),
    record: {
      offset: BigInt(offset),
      timestampMs: Number(header('dl.timestamp') ?? 0),
      key: readHeader(held.headers, 'dl.key') ?? null,
      value: header('dl.tombstone') === undefined ? held.value : null,
      headers: held.headers,
    },
    code: header('dl.code') ?? '',
    message: header('dl.message') ?? '',
    attempts: Number(header('dl.attempts') ?? 0),
    parkedAt: header('dl.parked') ?? '',
    heldIn,
  };
}

/** In the order in which their records stand in their topics: letters of one key are tried in it. */
export function inOrder(a: Letter, b: Letter): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  if (a.partition !== b.partition) return a.partition - b.partition;
  return a.record.offset < b.record.offset ? -1 : a.record.offset > b.record.offset ? 1 : 0;
}
