import { backoffMs, type ErrorPlace, isAbort, TaplineError } from '@tapline/kernel';
import { brokerError } from './classify.ts';
import { BROKER_ERROR, brokerErrorName, isRetryableBrokerError } from './error-table.ts';
import type { LaneState } from './lane.ts';
import type { RecordBatch } from './record-batch.ts';

const SEQUENCE_ERRORS: ReadonlySet<number> = new Set([
  BROKER_ERROR.duplicateSequence,
  BROKER_ERROR.outOfOrderSequence,
  BROKER_ERROR.unknownProducerId,
  BROKER_ERROR.invalidProducerEpoch,
]);

/** The broker's memory of this producer and ours differ: the log itself must be looked at. */
export function isSequenceError(code: number): boolean {
  return SEQUENCE_ERRORS.has(code);
}

const SUPERSEDED: ReadonlySet<number> = new Set([
  BROKER_ERROR.invalidProducerEpoch,
  BROKER_ERROR.producerFenced,
  BROKER_ERROR.invalidProducerIdMapping,
]);

/** The broker knows of a later life with the same transactional id. */
export function isSuperseded(code: number): boolean {
  return SUPERSEDED.has(code);
}

const RETRY_GRID_MS = 50;

/** On a grid, so that lanes refused together travel together again, instead of each in a request of its own. */
export function retryTime(now: number, failures: number): number {
  const at = now + backoffMs(failures, { firstDelayMs: 20, maxDelayMs: 1_000, random: () => 0.5 });
  return Math.ceil(at / RETRY_GRID_MS) * RETRY_GRID_MS;
}

export function asTaplineError(error: unknown): TaplineError {
  if (error instanceof TaplineError) return error;
  if (isAbort(error))
    return new TaplineError('KAFKA_CLOSED', { message: 'Kafka was closed while producing.', cause: error });
  return new TaplineError('INTERNAL', {
    message: `Producing failed unexpectedly: ${(error as Error).message}`,
    cause: error,
  });
}

/** What a refusal ends the producer with; undefined when it does not end it. `fenced`: others may shut this producer out. */
export function finalRefusal(
  code: number,
  { lane, batch, fenced }: { lane: LaneState; batch: RecordBatch; fenced: boolean },
): TaplineError | undefined {
  const place = { topic: lane.topic, partition: lane.partition };
  if (fenced && isSuperseded(code)) return superseded(`a batch was answered with ${brokerErrorName(code)}`, place);
  if (isSequenceError(code)) return undefined;
  if (code === BROKER_ERROR.messageTooLarge || code === BROKER_ERROR.recordListTooLarge) return tooLarge(batch, place);
  if (isRetryableBrokerError(code)) return undefined;
  const hint = code === BROKER_ERROR.invalidRecord ? ' (a compacted topic takes no record without a key)' : '';
  return brokerError(code, `producing ${batch.count} records${hint}`, place);
}

function tooLarge(batch: RecordBatch, place: ErrorPlace): TaplineError {
  return new TaplineError('KAFKA_RECORD_TOO_LARGE', {
    message:
      batch.count === 1
        ? `A record of ${batch.position} bytes is larger than the topic takes.`
        : `A batch of ${batch.position} bytes (${batch.count} records) is larger than the topic takes: its max.message.bytes was lowered since the producer began, or kafka.batchBytes is above it.`,
    place,
  });
}

/** A later life of this producer has begun, and has shut this one out. */
export function superseded(why: string, place: ErrorPlace = {}): TaplineError {
  return new TaplineError('KAFKA_FENCED', { message: `Another reader of this source has taken over: ${why}.`, place });
}

/** The broker holds a sequence number to be wrong, and this life cannot begin another sequence: the next epoch belongs to the next life. */
export function sequenceLost(code: number, place: ErrorPlace): TaplineError {
  return new TaplineError('KAFKA_SEQUENCE_LOST', {
    message: `The broker answered ${brokerErrorName(code)} to a batch that comes next.`,
    place,
  });
}

export function topicGone({ topic, partition }: LaneState, sinceMs: number): TaplineError {
  return new TaplineError('TOPIC_MISSING', {
    message: `Topic ${topic} does not exist any more (unknown to the brokers for ${Math.round(sinceMs / 1000)} s).`,
    place: { topic, partition },
    disposition: 'fatal',
    remedy:
      'It was deleted while it was written to: see that nobody does that again, and start anew. The start makes it again, or says what else must be done so that nothing is missing.',
  });
}

/**
 * What stands in the log is not what must. `code`: what the broker answered to the batch that comes next; undefined: the log was looked
 * at before it was sent again.
 */
export function logMismatch(lane: LaneState, end: bigint, code: number | undefined): TaplineError {
  const { nextOffset } = lane;
  const place = { topic: lane.topic, partition: lane.partition, offset: String(end) };
  const answer = code === undefined ? 'No answer came to a batch' : `The broker answered ${brokerErrorName(code)}`;
  const why = `${answer}; the partition ends at offset ${end}`;
  if (nextOffset !== undefined && end < nextOffset) {
    return new TaplineError('KAFKA_LOG_TRUNCATED', {
      message: `${why}, but everything below ${nextOffset} had been acknowledged.`,
      place,
    });
  }
  return new TaplineError('TOPIC_SECOND_WRITER', {
    message: `${why}, and what stands from offset ${nextOffset ?? 'unknown'} on is not ours.`,
    place,
  });
}
