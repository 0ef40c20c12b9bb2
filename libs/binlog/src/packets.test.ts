import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EventError } from './event-errors.ts';
import { PacketQueue } from './packets.ts';
import { Spill } from './spill.ts';
import { eventBytes, packets } from './testing/build-events.ts';
import { EVENT_TYPE } from './wire-types.ts';

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
      const bytes = Buffer.concat(list.map((payload) => packets(Buffer.from(payload))));
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
    const bytes = packets(payload);
    const queue = new PacketQueue();
    for (let at = 0; at < bytes.length; at += 65_536) queue.push(bytes.subarray(at, at + 65_536));
    queue.push(packets(Buffer.from('next')));
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
  queue.push(packets(Buffer.alloc(10)));
  expect(() => queue.next()).toThrow(EventError);
});

describe('a large compressed transaction', () => {
  const LARGE = 9 << 20;
  const payloadEvent = (length: number): Buffer => {
    const body = Buffer.alloc(length);
    for (let at = 0; at < length; at += 997) body.writeUInt16LE(at & 0xffff, Math.min(at, length - 2));
    return eventBytes({ type: EVENT_TYPE.TRANSACTION_PAYLOAD, body, checksum: true });
  };
  const inPacket = (event: Buffer): Buffer => packets(Buffer.concat([Buffer.alloc(1), event]));

  test('goes to the spill however the bytes arrive, and others behind it do not', () => {
    const event = payloadEvent(LARGE);
    const small = payloadEvent(100);
    const bytes = Buffer.concat([inPacket(event), inPacket(small)]);
    const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(cuts, fc.integer({ min: 30_000, max: 3_000_000 }), (first, chunkBytes) => {
        using spill = new Spill({ memoryBytes: 1 << 20 });
        const queue = new PacketQueue(spill);
        let spilled: Buffer | undefined;
        const taken: Buffer[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const chunk = bytes.subarray(at, at + (first[i] ?? chunkBytes));
          queue.push(chunk);
          at += chunk.length;
          while (queue.next()) {
            if (queue.spilled === undefined) taken.push(Buffer.from(queue.buffer.subarray(queue.start, queue.end)));
            else spilled = Buffer.concat([queue.spilled.header, ...queue.spilled.body(true).pieces()]);
          }
        }
        expect(spilled?.equals(event.subarray(0, event.length - 4))).toBe(true);
        expect(taken).toEqual([Buffer.concat([Buffer.alloc(1), small])]);
        expect(queue.bytes).toBe(0);
      }),
      { numRuns: 12 },
    );
  });

  test('is refused when its checksum does not fit, or when it is longer than it says', () => {
    const read = (event: Buffer): Buffer[] => {
      using spill = new Spill();
      const queue = new PacketQueue(spill);
      queue.push(inPacket(event).subarray(0, 1 << 20));
      queue.push(inPacket(event).subarray(1 << 20));
      expect(queue.next()).toBe(true);
      return [...queue.spilled!.body(true).pieces()];
    };
    const damaged = payloadEvent(LARGE);
    damaged[5_000_000]! ^= 1;
    expect(() => read(damaged)).toThrow(EventError);
    const longer = Buffer.concat([payloadEvent(LARGE), Buffer.alloc(1)]);
    expect(() => read(longer)).toThrow(EventError);
    expect(Buffer.concat(read(payloadEvent(LARGE))).length).toBe(LARGE);
  });
});
