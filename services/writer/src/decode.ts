import { ChangeReader } from '@tapline/envelope';
import { readHeader } from '@tapline/kafka';
import type { Registry } from '@tapline/registry';
import type { Decode } from './engine/engine.ts';

/** Reads the records of Tapline's readers: Avro by the registry's schemas, the version in header `v`. */
export function decoder(registry: Registry, signal: AbortSignal): Decode {
  const reader = new ChangeReader({ schema: (id) => registry.schema(id, signal) });
  return ({ topic, partition }, { offset, key, value, headers }) =>
    reader.read({ topic, partition, offset, key, value, headers: { v: readHeader(headers, 'v') } });
}
