import type { SinkDefinition } from '@tapline/sink';
import { besideRedis } from './beside.ts';
import { checkConfig } from './check-config.ts';
import { REDIS_CONFIG } from './config.ts';
import { preview } from './preview.ts';

/** Rows of a table as hashes, JSON texts or strings in Redis or Valkey. */
export const redisSink: SinkDefinition<typeof REDIS_CONFIG> = {
  type: 'redis',
  summary: 'Redis or Valkey: a hash, a JSON text or a string a row; standalone, cluster or sentinel.',
  config: REDIS_CONFIG,
  check: checkConfig,
  preview,
  beside: {
    config: besideRedis,
    async open(config, name, { signal }) {
      const { RedisExchange } = await import('./exchange.ts');
      return await RedisExchange.open(config, Number(name), signal);
    },
  },
  async open(config, context) {
    const [{ connect }, { RedisSink }] = await Promise.all([import('./client.ts'), import('./sink.ts')]);
    return new RedisSink(await connect(config, context.signal), config);
  },
};
