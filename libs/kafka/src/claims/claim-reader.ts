import { crc32c } from '@node-rs/crc32';
import { TaplineError } from '@tapline/kernel';
import type { LogReader } from '../log-reader.ts';
import type { Claim } from './claim.ts';

/** Gets the values that claims refer to. */
export class ClaimReader {
  readonly #reader: Pick<LogReader, 'read'>;

  /** A `reader` with a bound to its patience: what does not answer then is the caller's to wait for, and to show. */
  constructor(reader: Pick<LogReader, 'read'>) {
    this.#reader = reader;
  }

  /**
   * The whole value, in a buffer of its own.
   *
   * @throws TaplineError CLAIM_MISSING (poison): pieces are not there any more; CLAIM_DAMAGED (poison): what is there is not what was claimed;
   * and what Kafka fails with.
   */
  async value(claim: Claim, signal?: AbortSignal): Promise<Buffer> {
    try {
      return await this.#join(claim, signal);
    } catch (error) {
      // The claim was acknowledged before its record: a topic or an end that is not there was there once.
      const gone =
        error instanceof TaplineError && (error.code === 'TOPIC_MISSING' || error.code === 'KAFKA_LOG_TRUNCATED');
      throw gone ? missing(claim, error.message, error) : error;
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

function missing(claim: Claim, why: string, cause?: unknown): TaplineError {
  return new TaplineError('CLAIM_MISSING', { message: `${describe(claim)} is not there: ${why}.`, cause });
}

function damaged(claim: Claim, why: string): TaplineError {
  return new TaplineError('CLAIM_DAMAGED', { message: `${describe(claim)} is not what was written: ${why}.` });
}

function describe({ topic, partition, first, pieces, bytes }: Claim): string {
  return `The value of ${bytes} bytes in ${pieces} pieces from ${topic}/${partition}@${first} on`;
}
