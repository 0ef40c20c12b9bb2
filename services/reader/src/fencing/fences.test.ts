import { expect, test } from '@jest/globals';
import { decodeFences, rawFences } from './fences.ts';

test('what a progress record says of its life goes through JSON and back', () => {
  const fences = {
    epoch: 7,
    producerId: 2n ** 60n,
    producerEpoch: 32_766,
    gaps: new Map([['shop.t', new Map([[3, [10n, 2n ** 60n]]])]]),
  };
  expect(decodeFences(JSON.parse(JSON.stringify(rawFences(fences))))).toEqual(fences);
});
