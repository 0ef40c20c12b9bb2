import { describe, expect, test } from '@jest/globals';
import { type Claim, encodeClaim, encodeHeaders, FetchedRecord } from '@tapline/kafka';
import { claimedBytes, claimOf } from './claims.ts';

const v = Buffer.alloc(8, 1);
const claim: Claim = { topic: 'shop.claims', partition: 1, first: 41n, pieces: 3, bytes: 1_200_000, crc32c: 0xabc };
const record = (headers: Record<string, Buffer>) =>
  FetchedRecord.of({
    offset: 7n,
    timestampMs: 0,
    key: Buffer.from('k'),
    value: Buffer.from('reduced'),
    headers: encodeHeaders(headers),
  });

describe('the claim of a record', () => {
  test('is found beside the version, and counts with its whole length', () => {
    const claimed = record({ v, claim: encodeClaim(claim) });
    expect(claimOf(claimed)).toEqual(claim);
    expect(claimedBytes(claimed)).toBe(1_200_000);
  });

  test.each([
    ['the version alone', { v }],
    ['other headers', { v, trace: Buffer.from('x') }],
  ])('is not there with %s', (_, headers) => {
    expect(claimOf(record(headers))).toBeUndefined();
    expect(claimedBytes(record(headers))).toBe(0);
  });

  test.each([
    ['no JSON', '{'],
    ['another format', '{"format":2}'],
    ['a length that nobody has', String(encodeClaim({ ...claim, bytes: 2 ** 40 }))],
    ['no offset', String(encodeClaim(claim)).replace('"41"', '"x"')],
  ])('that cannot be read is poison when it is decoded, and counts nothing: %s', (_, text) => {
    const damaged = record({ v, claim: Buffer.from(text) });
    expect(() => claimOf(damaged)).toThrow(expect.objectContaining({ code: 'CLAIM_DAMAGED', disposition: 'poison' }));
    expect(claimedBytes(damaged)).toBe(0);
  });
});
