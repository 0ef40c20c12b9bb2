import { writeSync } from 'node:fs';
import { KILL_POINTS, onKillPoint } from '@tapline/kernel';

/*
 * Loaded into a service by `node --import`: TAPLINE_KILL_AT=after-send:3 ends the process at the third passage of the point, by SIGKILL, so that nothing more is
 * written, flushed or closed. The service itself knows nothing of it.
 */
const [point, passage] = (process.env.TAPLINE_KILL_AT ?? '').split(':');
if (!KILL_POINTS.some((known) => known === point)) throw new Error(`TAPLINE_KILL_AT: there is no point ${point}`);

let left = Number(passage);
onKillPoint((passed) => {
  if (passed !== point || --left > 0) return;
  writeSync(2, `killed at ${point}\n`);
  process.kill(process.pid, 'SIGKILL');
});
