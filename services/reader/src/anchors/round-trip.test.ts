import { expect, test } from '@jest/globals';
import { RoundTrip } from './round-trip.ts';

test('the time of the last anchor that came back, and longer while one is under way for longer', () => {
  let nowMs = 0;
  const trip = new RoundTrip(() => nowMs);
  expect(trip.seconds).toBe(0);
  trip.written(trip.begin(), 1n);
  nowMs = 200;
  trip.returned(1n);
  nowMs = 5000;
  expect(trip.seconds).toBe(0.2);
  trip.written(trip.begin(), 2n);
  nowMs = 5100;
  expect(trip.seconds).toBe(0.2);
  nowMs = 9000;
  expect(trip.seconds).toBe(4);
  trip.returned(2n);
  expect(trip.seconds).toBe(4);
});

test('an attempt that fails counts from its beginning, until a later one is back', () => {
  let nowMs = 0;
  const trip = new RoundTrip(() => nowMs);
  trip.begin();
  nowMs = 3000;
  trip.written(trip.begin(), 7n);
  expect(trip.seconds).toBe(3);
  nowMs = 3500;
  trip.returned(7n);
  expect(trip.seconds).toBe(0.5);
});

test('the anchors of other lives say nothing of this one', () => {
  let nowMs = 0;
  const trip = new RoundTrip(() => nowMs);
  trip.written(trip.begin(), 10n);
  nowMs = 1000;
  trip.returned(9n);
  expect(trip.seconds).toBe(1);
});
