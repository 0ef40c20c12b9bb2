import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EventError } from './event-errors.ts';
import { PacketQueue } from './packets.ts';

const packet = (payload: Buffer): Buffer => {
  const parts: Buffer[] = [];
  for (let at = 0; ; at += 0xffffff) {
    const part = payload.subarray(at, at + 0xffffff);
    const header = Buffer.alloc(4);
    header.writeUIntLE(part.length, 0, 3);
    parts.push(header, part);
    if (part.length < 0xffffff) return Buffer.concat(parts);
  }
};

/** A payload as the server sends it: OK byte, event header with the event's length, the rest. */
const event = (length: number, fill: number): Buffer => {
  const payload = Buffer.alloc(length + 1, fill);
  payload[0] = 0;
  payload.writeUInt32LE(length, 10);
  return payload;
};

function takeAll(queue: PacketQueue): string[] {
  const taken: string[] = [];
  while (queue.next()) taken.push(queue.buffer.toString('latin1', queue.start, queue.end));
  return taken;
}

test('packets come out whole and in order, however the bytes arrive', () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 });
  const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(payloads, cuts, (list, sizes) => {
      const bytes = Buffer.concat(list.map((payload) => packet(Buffer.from(payload))));
      const queue = new PacketQueue();
      const taken: string[] = [];
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const chunk = bytes.subarray(at, at + sizes[i % sizes.length]!);
        queue.push(chunk);
        at += chunk.length;
        if (i % 3 !== 0) taken.push(...takeAll(queue));
      }
      taken.push(...takeAll(queue));
      expect(taken).toEqual(list.map((payload) => Buffer.from(payload).toString('latin1')));
      expect(queue.bytes).toBe(0);
    }),
  );
});

test('an event of several 16 MB packets becomes one, also when its length is a multiple of a packet', () => {
  for (const length of [0xffffff - 2, 0xffffff - 1, 0xffffff, 2 * 0xffffff - 1, 40_000_000]) {
    const payload = event(length, 7);
    const bytes = packet(payload);
    const queue = new PacketQueue();
    for (let at = 0; at < bytes.length; at += 65_536) queue.push(bytes.subarray(at, at + 65_536));
    queue.push(packet(Buffer.from('next')));
    expect(queue.next()).toBe(true);
    expect(payload.equals(queue.buffer.subarray(queue.start, queue.end))).toBe(true);
    expect(takeAll(queue)).toEqual(['next']);
  }
});

test('a length that no server sends is refused before memory is taken', () => {
  const first = Buffer.alloc(4 + 0xffffff);
  first.writeUIntLE(0xffffff, 0, 3);
  first.writeUInt32LE(0xffffffff, 4 + 10);
  const queue = new PacketQueue();
  queue.push(first);
  queue.push(packet(Buffer.alloc(10)));
  expect(() => queue.next()).toThrow(EventError);
});
