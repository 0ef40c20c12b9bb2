import { expect, test } from '@jest/globals';
import { KILL_POINTS, killPoint, onKillPoint } from './kill-points.ts';

test('a point does nothing, whatever the environment says, until a test listens', () => {
  process.env.TAPLINE_KILL_AT = 'after-send:1';
  for (const point of KILL_POINTS) killPoint(point);
  delete process.env.TAPLINE_KILL_AT;
  const passed: string[] = [];
  onKillPoint((point) => passed.push(point));
  killPoint('after-send');
  killPoint('before-send');
  expect(passed).toEqual(['after-send', 'before-send']);
  onKillPoint(() => undefined);
});
