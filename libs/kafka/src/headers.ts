/** Headers in their wire form are a count (zigzag varint) and then the pairs, so that two of them are joined by their counts. */
export function joinHeaders(first: Buffer, second: Buffer): Buffer {
  const [a, restA] = counted(first);
  const [b, restB] = counted(second);
  const count: number[] = [];
  for (let zigzag = (a + b) * 2; ; zigzag >>>= 7) {
    count.push(zigzag > 0x7f ? (zigzag & 0x7f) | 0x80 : zigzag);
    if (zigzag <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from(count), restA, restB]);
}

function counted(headers: Buffer): readonly [count: number, pairs: Buffer] {
  let zigzag = 0;
  let at = 0;
  for (let shift = 0; at < headers.length; shift += 7) {
    const byte = headers[at++] as number;
    zigzag |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return [zigzag >>> 1, headers.subarray(at)];
}
