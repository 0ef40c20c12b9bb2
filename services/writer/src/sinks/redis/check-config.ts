import { TaplineError } from '@tapline/kernel';
import { compileTemplate } from '../../naming/template.ts';
import { placeOf } from './collection/place.ts';
import { isCollection, type RedisConfig } from './config.ts';

/** What the declaration alone cannot say: values that do not go together. @throws TaplineError CONFIG_INVALID. */
export function checkConfig(config: RedisConfig): void {
  if (config.as === 'string' && config.value === '') {
    throw wrong('sink.value', 'as: string needs sink.value, the template of the value, such as "${row.total}"');
  }
  if (config.as !== 'string' && config.value !== '')
    throw wrong('sink.value', `is used only with as: string, but as is ${config.as}`);
  checkCollection(config);
  if (config.as === 'invalidate')
    requireDefaults(config, ['ttlSeconds', 'onDelete'], { ttlSeconds: 0, onDelete: 'delete' });
  if (config.mode === 'cluster' && config.database !== 0)
    throw wrong('sink.database', 'a Redis cluster has only database 0');
  if (config.mode === 'standalone' && config.address.includes(',')) {
    throw wrong('sink.address', 'several addresses need mode: cluster or mode: sentinel');
  }
  compileTemplate(config.key, { path: 'sink.key', row: false, nullText: '' });
  compileTemplate(config.value, { path: 'sink.value', row: true, nullText: config.nullText });
}

const OF_COLLECTIONS = { collection: '', member: '', score: '', amount: '1' } as const;

function checkCollection(config: RedisConfig): void {
  if (!isCollection(config))
    return requireDefaults(config, ['collection', 'member', 'score', 'amount'], OF_COLLECTIONS);
  if (config.collection === '')
    throw wrong(
      'sink.collection',
      `as: ${config.as} needs it, the key that rows are parts of, such as "orders-per-channel"`,
    );
  if (config.as === 'sortedSet' && config.score === '')
    throw wrong('sink.score', 'as: sortedSet needs it, such as "${row.points}"');
  if (config.as !== 'sortedSet') requireDefaults(config, ['score'], OF_COLLECTIONS);
  if (config.as !== 'counter') requireDefaults(config, ['amount'], OF_COLLECTIONS);
  if (config.mode === 'cluster')
    throw wrong(
      'sink.mode',
      `as: ${config.as} moves a row from one key to another in one step, which a cluster cannot do`,
    );
  requireDefaults(config, ['ttlSeconds', 'onDelete'], { ttlSeconds: 0, onDelete: 'delete' });
  placeOf(config);
}

/** Keys that say nothing here must not look as if they did. */
function requireDefaults<K extends keyof RedisConfig>(
  config: RedisConfig,
  keys: readonly K[],
  defaults: Readonly<Pick<RedisConfig, K>>,
): void {
  for (const key of keys) {
    if (config[key] !== defaults[key]) throw wrong(`sink.${key}`, `it is not used with as: ${config.as}`);
  }
}

function wrong(path: string, problem: string): TaplineError {
  return new TaplineError('CONFIG_INVALID', { message: `${path}: ${problem}.`, place: { path } });
}
