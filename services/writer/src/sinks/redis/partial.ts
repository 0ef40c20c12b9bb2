import { TaplineError } from '@tapline/kernel';
import type { Change } from '@tapline/sink';

export function isPartial({ absent }: Change): boolean {
  return absent !== null && absent.after.length > 0;
}

export function partial({ topic, absent }: Change, as: string): TaplineError {
  return new TaplineError('ROW_PARTIAL', {
    message: `sink.as: ${as} needs whole rows, and a row lacks ${absent?.after.join(', ')}.`,
    place: { topic, path: 'sink.as' },
  });
}
