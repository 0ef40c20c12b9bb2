import { describeMatrix } from './types/describe-matrix.ts';
import { runEncoders } from './types/encoders.ts';

// A reader refuses 5.7, as its binlog has no names; the parts of a reader do not.
describeMatrix('mysql57', 'through the encoders', async (server, tables) => {
  const { outcomes } = await runEncoders(server, tables, async () => undefined);
  return outcomes;
});
