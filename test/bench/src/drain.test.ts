import { expect, test } from '@jest/globals';
import { PacketCutter } from './drain.ts';

test('packets are found wherever the chunks are cut', () => {
  const packet = (sequence: number, ...payload: number[]): number[] => [payload.length, 0, 0, sequence, ...payload];
  const bytes = Buffer.from([...packet(0, 0, 7, 7), ...packet(1), ...packet(2, 0, 9), ...packet(3, 0xfe)]);
  for (let size = 1; size <= bytes.length; size++) {
    const seen: number[] = [];
    const cutter = new PacketCutter((kind) => seen.push(kind));
    for (let at = 0; at < bytes.length; at += size) cutter.take(bytes.subarray(at, at + size));
    expect(seen).toEqual([0, 0, 0xfe]);
  }
});
