import { type ErrorCode, TaplineError } from '@tapline/kernel';

/**
 * By the primary result code, the low eight bits ("Result and Error Codes" of SQLite's documentation). A sink of the product has codes of its own,
 * `SINK_SQLITE_BUSY` and so on in libs/kernel/src/codes/sink.ts; an example borrows some.
 */
const BY_RESULT: Readonly<Record<number, ErrorCode>> = {
  5: 'SINK_MYSQL_BUSY',
  6: 'SINK_MYSQL_BUSY',
  8: 'SINK_MYSQL_READ_ONLY',
  13: 'SINK_MYSQL_FULL',
  19: 'SINK_MYSQL_VALUE',
};

/** What nobody knows is fatal, never poison: poison skips data. */
export function classify(error: unknown, file: string): TaplineError {
  if (error instanceof TaplineError) return error;
  const result = (error as { readonly errcode?: number }).errcode ?? 0;
  return new TaplineError(BY_RESULT[result & 0xff] ?? 'SINK_MYSQL_FAILED', {
    message: `SQLite: ${(error as Error).message}.`,
    place: { path: file },
    cause: error,
  });
}
