import { TaplineError } from '@tapline/kernel';
import type { SinkTraits } from '@tapline/sink';
import type { SearchConfig } from './config.ts';
import { checkDocumentConfig } from './documents/check-config.ts';
import { Locator } from './location.ts';

/** A store works best on large bulks. With less on the way, lanes have only half of one when their turn comes. */
export const SEARCH_TRAITS: SinkTraits = {
  order: 'key',
  batch: { maxChanges: 1000, maxBytes: 4_194_304, bufferBytes: 2_097_152 },
};

/** What the declaration alone cannot say. Pure. @throws TaplineError CONFIG_INVALID. */
export function checkSearchConfig(config: SearchConfig): void {
  new Locator(config);
  if (config.onDelete === 'mark' && config.deletedField === '')
    throw wrong('sink.deletedField', 'must have a name with onDelete: mark');
  if (config.password !== undefined && config.username === undefined)
    throw wrong('sink.password', 'is used only with sink.username');
  if (config.document !== undefined) checkDocumentConfig(config, config.document);
}

function wrong(path: string, problem: string): TaplineError {
  return new TaplineError('CONFIG_INVALID', { message: `${path}: ${problem}.`, place: { path } });
}
