/**
 * murmur2 as in org.apache.kafka.common.utils.Utils, on signed 32-bit numbers: equal partitions to Java's default partitioner for
 * records with a key.
 */
export function murmur2(key: Uint8Array): number {
  const m = 0x5bd1e995;
  const length = key.length;
  let h = 0x9747b28c ^ length;
  let i = 0;
  for (const end = length & ~3; i < end; i += 4) {
    let k =
      (key[i] as number) |
      ((key[i + 1] as number) << 8) |
      ((key[i + 2] as number) << 16) |
      ((key[i + 3] as number) << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    h = Math.imul(h, m) ^ k;
  }
  const left = length & 3;
  if (left === 3) h ^= (key[i + 2] as number) << 16;
  if (left >= 2) h ^= (key[i + 1] as number) << 8;
  if (left >= 1) h = Math.imul(h ^ (key[i] as number), m);
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}

/** The partition Java's default partitioner gives a record with this key. */
export function partitionFor(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitions;
}
