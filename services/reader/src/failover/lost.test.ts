import { expect, test } from '@jest/globals';
import { type Kafka, NO_HEADERS } from '@tapline/kafka';
import type { ProgressRecord } from '../progress/record.ts';
import type { Tails } from '../resume/tails.ts';
import { historyOf } from './history.ts';
import { findLost, type LostRecords } from './lost.ts';

const UUID = '11111111-1111-1111-1111-111111111111';

/** A partition with transactions of one source, each at its offset, of which the new server has those up to `executed`; the progress record stands behind all of them. */
async function lost(transactions: Readonly<Record<number, number>>, executed: number): Promise<LostRecords> {
  const offsets = Object.keys(transactions).map(Number);
  const newest = Math.max(...Object.values(transactions));
  const end = BigInt(Math.max(...offsets) + 1);
  const reader: Pick<Kafka['reader'], 'read'> = {
    async *read({ from = 0n, to = end }) {
      const found = offsets.filter((offset) => BigInt(offset) >= from && BigInt(offset) < to);
      yield found.map((offset) => ({
        offset: BigInt(offset),
        timestampMs: 0,
        key: Buffer.from('k'),
        value: Buffer.from(String(transactions[offset])),
        headers: NO_HEADERS,
      }));
    },
  };
  return await findLost({
    record: { gtidSet: `${UUID}:1-${newest}`, offsets: new Map([['t', [end]]]) } as unknown as ProgressRecord,
    tails: { ends: new Map([['t', [end]]]) } as unknown as Tails,
    history: historyOf('mysql', `${UUID}:1-${executed}`),
    kafka: { reader } as unknown as Pick<Kafka, 'reader'>,
    originOf: async (value) => ({ gtid: `${UUID}:${value.toString()}`, table: `shop.t${value.toString()}` }),
    signal: new AbortController().signal,
  });
}

test('what is lost in front of the progress record is what stands behind the last survivor', async () => {
  const { records, tables, gtids } = await lost({ 0: 1, 1: 2, 2: 3, 3: 4 }, 2);
  expect(records).toBe(2);
  expect([...tables].toSorted()).toEqual(['shop.t3', 'shop.t4']);
  expect(gtids.size).toBe(2);
});

test('it is looked for beyond what compaction has taken out, however much that is', async () => {
  const { tables, records } = await lost({ 10: 1, 40: 2, 3_000: 3, 200_000: 4 }, 1);
  expect([...tables].toSorted()).toEqual(['shop.t2', 'shop.t3', 'shop.t4']);
  expect(records).toBe(3);
});

test('a partition without a survivor is lost to its beginning', async () => {
  expect((await lost({ 5: 2, 9_000: 3 }, 1)).records).toBe(2);
});
