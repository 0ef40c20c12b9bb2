import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Lane, LaneState } from './lane.ts';
import { Marks } from './marks.ts';

test('a mark resolves when all before it is acknowledged, in order, with the offsets as of that mark', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), lane: fc.nat(2) }),
    fc.record({ kind: fc.constant('acknowledge' as const), lane: fc.nat(2), count: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ kind: fc.constant('mark' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const marks = new Marks();
      const lanes = [0, 1, 2].map(
        (partition) =>
          new LaneState(
            't',
            partition,
            { batchBytes: 1000, maxMessageBytes: 1000 },
            { nextOffset: BigInt(100 * partition) },
          ),
      );
      const expected: Map<Lane, bigint>[] = [];
      const resolved: { index: number; offsets: ReadonlyMap<Lane, bigint> }[] = [];
      let touched = new Set<LaneState>();
      const acknowledge = (lane: LaneState, count: number): void => {
        lane.acknowledged += count;
        lane.nextOffset = (lane.nextOffset as bigint) + BigInt(count);
        marks.acknowledged(lane);
      };
      for (const each of steps) {
        if (each.kind === 'mark') {
          const index =
            expected.push(new Map([...touched].map((l) => [l, BigInt(100 * l.partition + l.appended)]))) - 1;
          touched = new Set();
          void marks.set().promise.then((offsets) => resolved.push({ index, offsets }));
          continue;
        }
        const lane = lanes[each.lane] as LaneState;
        if (each.kind === 'append') {
          lane.appended++;
          marks.touch(lane);
          touched.add(lane);
        } else {
          acknowledge(lane, Math.min(each.count, lane.appended - lane.acknowledged));
        }
        await Promise.resolve();
        await Promise.resolve();
        for (const { offsets } of resolved) {
          for (const [l, next] of offsets) expect(next).toBeLessThanOrEqual(l.nextOffset as bigint);
        }
      }
      for (const lane of lanes) acknowledge(lane, lane.appended - lane.acknowledged);
      await new Promise((done) => setImmediate(done));
      expect(resolved.map(({ index }) => index)).toEqual(expected.map((_, index) => index));
      expect(resolved.map(({ offsets }) => offsets)).toEqual(expected);
    }),
  );
});
