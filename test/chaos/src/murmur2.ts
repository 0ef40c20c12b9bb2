/**
 * The partition that Kafka's Java client gives a key: its 32-bit MurmurHash2 with seed 0x9747b28c, sign bit cleared, modulo the
 * partition count. Written here once more, apart from libs/kafka, because the chaos tests judge that one.
 */
export function murmur2Partition(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

export function murmur2(data: Buffer): number {
  const multiplier = 0x5bd1e995;
  let hash = 0x9747b28c ^ data.length;
  const words = data.length >> 2;
  for (let word = 0; word < words; word++) {
    let k = Math.imul(data.readInt32LE(word * 4), multiplier);
    k ^= k >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(k, multiplier);
  }
  const tail = words * 4;
  const left = data.length - tail;
  if (left === 3) hash ^= (data[tail + 2] as number) << 16;
  if (left >= 2) hash ^= (data[tail + 1] as number) << 8;
  if (left >= 1) hash = Math.imul(hash ^ (data[tail] as number), multiplier);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, multiplier);
  return hash ^ (hash >>> 15);
}
