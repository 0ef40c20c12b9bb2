import { redisSink } from './redis/index.ts';

/** Every kind of sink, by the word in `sink.type`. A new one is a folder here and a line in this table. */
export const SINKS = {
  redis: redisSink as typeof redisSink,
} as const;

export type SinkType = keyof typeof SINKS;
