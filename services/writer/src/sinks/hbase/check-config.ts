import { TaplineError } from '@tapline/kernel';
import { compileTemplate } from '../../naming/template.ts';
import type { HBaseConfig } from './config.ts';
import { compileRowKey, evenSplits } from './row-key.ts';

/** What the declaration alone cannot say: values that do not go together. @throws TaplineError CONFIG_INVALID. */
export function checkConfig(config: HBaseConfig): void {
  compileTemplate(config.table, { path: 'sink.table', row: false, nullText: '' });
  compileRowKey(config.rowKey);
  if (config.splitKeys.length === 0) evenSplits(config.rowKey, config.regions);
  else if (config.regions !== 1)
    throw wrong('sink.regions', 'is of no use beside sink.splitKeys, which say where regions begin');
  if ([config.family, ...Object.values(config.families)].includes(config.versionFamily)) {
    throw wrong('sink.versionFamily', `is also a family of columns: ${config.versionFamily}`);
  }
}

function wrong(path: string, problem: string): TaplineError {
  return new TaplineError('CONFIG_INVALID', { message: `${path}: ${problem}.`, place: { path } });
}
