import { TaplineError } from '@tapline/kernel';
import type { BinlogPosition, RowsEvent } from './types.ts';
import { eventTypeName } from './wire-types.ts';

/** Thrown by the decoders, which do not know where they are; `locateEventError` adds the place. Never leaves this package. */
export class EventError extends Error {
  readonly kind: 'SOURCE_EVENT_CORRUPT' | 'SOURCE_EVENT_UNSUPPORTED' | 'SOURCE_ROW_IMAGE';
  readonly remedy: string | undefined;

  constructor(kind: EventError['kind'], message: string, remedy?: string) {
    super(message);
    this.kind = kind;
    this.remedy = remedy;
  }
}

export function corrupt(message: string): EventError {
  return new EventError('SOURCE_EVENT_CORRUPT', message);
}

export function unsupported(message: string, remedy: string): EventError {
  return new EventError('SOURCE_EVENT_UNSUPPORTED', message, remedy);
}

/** The coded error of a decoder's failure, with event and position. What is no EventError is a decoder that overran: corrupt as well. */
export function locateEventError(
  error: unknown,
  eventType: number,
  position: BinlogPosition,
  table?: string,
): TaplineError {
  if (error instanceof TaplineError) return error;
  const place = { position: `${position.file}:${position.position}`, ...(table === undefined ? {} : { table }) };
  const name = eventTypeName(eventType);
  if (error instanceof EventError) {
    const message = `${name}: ${error.message}`;
    return new TaplineError(error.kind, {
      message,
      place,
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    });
  }
  const message = `${name}: the event cannot be decoded (${error instanceof Error ? error.message : 'unknown failure'})`;
  return new TaplineError('SOURCE_EVENT_CORRUPT', { message, place, cause: error });
}

/** An error of the source that came up while a row's values were read, with the place and the table of its event: who reads a value knows neither. */
export function locateRowError(error: unknown, { position, table }: RowsEvent): unknown {
  if (!(error instanceof TaplineError) || error.place.position !== undefined) return error;
  if (!error.code.startsWith('SOURCE_')) return error;
  const { code, message, remedy, place } = error;
  return new TaplineError(code, {
    message,
    remedy,
    place: { table: `${table.database}.${table.table}`, ...place, position: `${position.file}:${position.position}` },
    cause: error,
  });
}
