import { type Change, ChangeReader } from '@tapline/envelope';
import { type ClaimReader, FetchedRecord, type KafkaRecord, readHeader, type TopicPartition } from '@tapline/kafka';
import { claimOf, hasOnlyVersion, onlyVersion } from './claims.ts';

/** Schemas by the ids in records: a registry. */
export interface SchemaSource {
  schema(id: number, signal?: AbortSignal): Promise<string>;
}

export interface DecoderParts {
  readonly registry: SchemaSource;
  /** Gets the values that the reader has put aside. */
  readonly claims: Pick<ClaimReader, 'value'>;
  readonly signal: AbortSignal;
  /** Gives changes in Avro as `EncodedChange`, whose rows are made when they are asked for. */
  readonly encoded?: boolean;
}

/** A `Decode` that gives just one change a record. */
export type ChangeDecode = (batch: TopicPartition, record: KafkaRecord) => Change | Promise<Change>;

/** Reads the records of Tapline's readers: Avro by the registry's schemas, JSON by those it carries, the version in header `v`, a value put aside by header `claim`. */
export function decoder({ registry, claims, signal, encoded = false }: DecoderParts): ChangeDecode {
  const reader = new ChangeReader({ schema: (id) => registry.schema(id, signal), encoded });
  const read = (
    { topic, partition }: TopicPartition,
    { offset, key, headers }: KafkaRecord,
    value: Buffer | null,
  ): Change | Promise<Change> =>
    reader.read({ topic, partition, offset, key, value, headers: { v: readHeader(headers, 'v') } });
  return (batch, record) => {
    const fetched = FetchedRecord.of(record);
    if (hasOnlyVersion(fetched)) {
      return reader.scan(batch, fetched, onlyVersion(fetched)) ?? read(batch, fetched, fetched.value);
    }
    const claim = claimOf(fetched);
    if (claim === undefined) return read(batch, fetched, fetched.value);
    return claims.value(claim, signal).then((value) => read(batch, fetched, value));
  };
}
