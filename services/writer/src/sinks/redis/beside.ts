import { TaplineError } from '@tapline/kernel';
import type { RedisConfig } from './config.ts';

/** The configuration that fills another database of the same server. @throws TaplineError CONFIG_INVALID, REPLAY_INTO. */
export function besideRedis(config: RedisConfig, name: string): RedisConfig {
  if (config.mode === 'cluster') {
    throw new TaplineError('REPLAY_INTO', {
      message: 'A Redis Cluster has one database, and nothing that exchanges many keys in one step.',
      remedy: 'Fill keys of another name (`sink.key`) by a writer with another `name`, and lead readers to them.',
    });
  }
  if (config.as === 'invalidate') {
    throw new TaplineError('REPLAY_INTO', {
      message: 'A writer with `as: invalidate` keeps no rows: there is nothing to be filled beside.',
    });
  }
  const database = /^\d{1,5}$/.test(name) ? Number(name) : Number.NaN;
  if (Number.isInteger(database) && database !== config.database) return { ...config, database };
  throw new TaplineError('CONFIG_INVALID', {
    message: `--into ${name}: it must be the number of another database than ${config.database}, which is the live one.`,
  });
}
