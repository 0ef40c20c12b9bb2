import { crc32c } from '@node-rs/crc32';
import { type ErrorCode, retry, TaplineError } from '@tapline/kernel';
import type { LogReader } from '../log-reader.ts';
import type { Claim } from './claim.ts';

/** Gets the values that claims refer to. */
export class ClaimReader {
  readonly #reader: Pick<LogReader, 'read'>;
  readonly #patienceMs: number;

  /** A `reader` whose patience has the same bound: what does not answer then is the caller's to wait for, and to show. */
  constructor(reader: Pick<LogReader, 'read'>, patienceMs: number) {
    this.#reader = reader;
    this.#patienceMs = patienceMs;
  }

  /**
   * The whole value, in a buffer of its own.
   *
   * @throws TaplineError CLAIM_MISSING (poison): pieces are not there any more; CLAIM_DAMAGED (poison): what is there is not what was claimed;
   * and what Kafka fails with.
   */
  async value(claim: Claim, signal?: AbortSignal): Promise<Buffer> {
    // The claim was acknowledged before its record. A partition that ends before it may have a new leader, which learns only by and by how far all of
    // it is replicated.
    const shows = {
      retryable: (error: unknown) => hasCode(error, 'KAFKA_LOG_TRUNCATED'),
      deadlineMs: this.#patienceMs,
    };
    try {
      return await retry(() => this.#join(claim, signal), { ...shows, ...(signal === undefined ? {} : { signal }) });
    } catch (error) {
      const gone = hasCode(error, 'TOPIC_MISSING') || hasCode(error, 'KAFKA_LOG_TRUNCATED');
      throw gone ? missing(claim, (error as Error).message, error) : error;
    }
  }

  async #join(claim: Claim, signal: AbortSignal | undefined): Promise<Buffer> {
    const { topic, partition, first, pieces, bytes } = claim;
    const value = Buffer.allocUnsafeSlow(bytes);
    let next = first;
    let at = 0;
    const range = { topic, partition, from: first, to: first + BigInt(pieces), signal };
    for await (const records of this.#reader.read(range)) {
      for (const { offset, value: piece } of records) {
        if (offset !== next || piece === null) throw missing(claim, `offset ${next} is not in the topic`);
        if (at + piece.length > bytes) throw damaged(claim, 'its pieces are longer than the value');
        piece.copy(value, at);
        at += piece.length;
        next++;
      }
    }
    if (next < range.to) throw missing(claim, `offset ${next} is not in the topic`);
    if (at !== bytes) throw damaged(claim, `its pieces have ${at} bytes`);
    if (crc32c(value) !== claim.crc32c) throw damaged(claim, 'the checksum is another one');
    return value;
  }
}

function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof TaplineError && error.code === code;
}

function missing(claim: Claim, why: string, cause?: unknown): TaplineError {
  return new TaplineError('CLAIM_MISSING', { message: `${describe(claim)} is not there: ${why}.`, cause });
}

function damaged(claim: Claim, why: string): TaplineError {
  return new TaplineError('CLAIM_DAMAGED', { message: `${describe(claim)} is not what was written: ${why}.` });
}

function describe({ topic, partition, first, pieces, bytes }: Claim): string {
  return `The value of ${bytes} bytes in ${pieces} pieces from ${topic}/${partition}@${first} on`;
}
