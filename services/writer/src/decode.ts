import { ChangeReader } from '@tapline/envelope';
import { readHeader } from '@tapline/kafka';
import type { Registry } from '@tapline/registry';
import type { Decode } from './engine/engine.ts';

/** Reads the records of Tapline's readers: Avro by the registry's schemas, the version in header `v`. */
export function decoder(registry: Registry, signal: AbortSignal): Decode {
  const reader = new ChangeReader({ schema: (id) => registry.schema(id, signal) });
  return ({ topic, partition }, { offset, key, value, headers }) =>
    reader.read({ topic, partition, offset, key, value, headers: { v: versionHeader(headers) } });
}

/**
 * A reader's records have one header: count 1, key length 1, `v`, value length 8 (each a zigzag varint), and eight bytes. That is seen at a
 * glance; everything else is looked for.
 */
function versionHeader(headers: Buffer): Buffer | null | undefined {
  const usual =
    headers.length === 12 && headers[0] === 2 && headers[1] === 2 && headers[2] === 0x76 && headers[3] === 16;
  return usual ? headers.subarray(4) : readHeader(headers, 'v');
}
