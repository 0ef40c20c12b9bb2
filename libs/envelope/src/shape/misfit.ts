import { TaplineError } from '@tapline/kernel';

/** A shape rule that its column or table does not take; column and table are added by who knows them. */
export function misfit(message: string, remedy?: string): TaplineError {
  return new TaplineError('SHAPE_MISMATCH', { message, ...(remedy === undefined ? {} : { remedy }) });
}
