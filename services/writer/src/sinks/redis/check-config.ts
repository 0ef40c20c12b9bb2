import { TaplineError } from '@tapline/kernel';
import { compileTemplate } from '../../naming/template.ts';
import type { RedisConfig } from './config.ts';

/** What the declaration alone cannot say: values that do not go together. @throws TaplineError CONFIG_INVALID. */
export function checkConfig(config: RedisConfig): void {
  if (config.as === 'string' && config.value === '') {
    throw wrong('sink.value', 'as: string needs sink.value, the template of the value, such as "${row.total}"');
  }
  if (config.as !== 'string' && config.value !== '')
    throw wrong('sink.value', `is used only with as: string, but as is ${config.as}`);
  if (config.mode === 'cluster' && config.database !== 0)
    throw wrong('sink.database', 'a Redis cluster has only database 0');
  if (config.mode === 'standalone' && config.address.includes(',')) {
    throw wrong('sink.address', 'several addresses need mode: cluster or mode: sentinel');
  }
  compileTemplate(config.key, { path: 'sink.key', row: false, nullText: '' });
  compileTemplate(config.value, { path: 'sink.value', row: true, nullText: config.nullText });
}

function wrong(path: string, problem: string): TaplineError {
  return new TaplineError('CONFIG_INVALID', { message: `${path}: ${problem}.`, place: { path } });
}
