import type { KafkaRecord, TopicPartition } from '@tapline/kafka';
import { retry, TaplineError } from '@tapline/kernel';
import type { Decode, Decoded } from './engine.ts';

export interface PatientDecoderOptions {
  readonly decode: Decode;
  readonly signal: AbortSignal;
  /** A record could not be read just now. */
  readonly retrying: (error: unknown) => void;
  /** And then it could. */
  readonly recovered: () => void;
}

/** Reads records, and waits where that needs something that is away. */
export class PatientDecoder {
  readonly #options: PatientDecoderOptions;

  constructor(options: PatientDecoderOptions) {
    this.#options = options;
  }

  /** A record that never can be read is its error. Throws what the record is not to blame for. */
  read(batch: TopicPartition, record: KafkaRecord): Decoded | TaplineError | Promise<Decoded | TaplineError> {
    try {
      const decoded = this.#options.decode(batch, record);
      return decoded instanceof Promise ? this.#readLater(decoded, batch, record) : decoded;
    } catch (error) {
      return poisonOrThrow(error);
    }
  }

  /** A schema that is new is asked for, and asked for again while the registry is away: a reason to wait like a sink that is. */
  async #readLater(
    first: Promise<Decoded>,
    batch: TopicPartition,
    record: KafkaRecord,
  ): Promise<Decoded | TaplineError> {
    const { decode, signal, retrying, recovered } = this.#options;
    let waited = false;
    const onRetry = ({ error }: { error: unknown }): void => {
      waited = true;
      retrying(error);
    };
    try {
      const attempt = async (count: number): Promise<Decoded> => (count === 1 ? first : decode(batch, record));
      const decoded = await retry(attempt, { signal, maxDelayMs: 5000, onRetry });
      if (waited) recovered();
      return decoded;
    } catch (error) {
      return poisonOrThrow(error);
    }
  }
}

function poisonOrThrow(error: unknown): TaplineError {
  if (error instanceof TaplineError && error.disposition === 'poison') return error;
  throw error;
}
