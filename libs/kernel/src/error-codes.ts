import { KAFKA_CODES } from './codes/kafka.ts';
import { SINK_CODES } from './codes/sink.ts';
import { SOURCE_CODES } from './codes/source.ts';
import { TAPLINE_CODES } from './codes/tapline.ts';

export type { ErrorCodeEntry } from './codes/entry.ts';

/** Every error code Tapline can print. Codes are stable: people grep and alert on them. The page docs/reference/errors.md is made from this table. */
export const ERROR_CODES = { ...KAFKA_CODES, ...SINK_CODES, ...SOURCE_CODES, ...TAPLINE_CODES } as const;

export type ErrorCode = keyof typeof ERROR_CODES;
