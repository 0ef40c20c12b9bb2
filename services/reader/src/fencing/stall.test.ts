import { expect, test } from '@jest/globals';
import { StallGuard } from './stall.ts';

test('who stood still for longer than brokers surely remember may send nothing more, however soon it looks again', () => {
  let nowMs = 1_000;
  using guard = new StallGuard(() => nowMs, 600_000);
  for (let i = 0; i < 5; i++) {
    nowMs += 500_000;
    expect(guard.over()).toBeUndefined();
  }
  nowMs += 600_001;
  expect(guard.over()).toMatchObject({ code: 'KAFKA_SEQUENCE_LOST', disposition: 'retryable' });
  nowMs += 1;
  expect(guard.over()).toMatchObject({ code: 'KAFKA_SEQUENCE_LOST' });
});
