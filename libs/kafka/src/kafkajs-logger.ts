import type { Logger } from '@tapline/kernel';
import type { logCreator, logLevel } from 'kafkajs';

type LogFunction = (message: string, extra?: object) => void;

/** The logger that kafkajs' own modules expect. */
export interface KafkajsLogger {
  namespace(name: string): KafkajsLogger;
  info: LogFunction;
  error: LogFunction;
  warn: LogFunction;
  debug: LogFunction;
  setLogLevel(level: logLevel): void;
}

const NOTHING: LogFunction = () => undefined;

/**
 * kafkajs logs as an error what is retried and told by our own errors anyway (a refused connection, an answer with an error code), and as
 * info what is of no use: all of it goes to debug.
 */
export function kafkajsLogger(logger: Logger): KafkajsLogger {
  const log = (name: string): KafkajsLogger => {
    const write: LogFunction = logger.enabled('debug')
      ? (message, extra) => logger.debug(`kafkajs: ${message}`, { ...extra, namespace: name })
      : NOTHING;
    // kafkajs' debug lines hold whole answers; ours would drown in them.
    return { namespace: log, info: write, error: write, warn: write, debug: NOTHING, setLogLevel: () => undefined };
  };
  return log('kafkajs');
}

/** The same for kafkajs' public constructor. */
export function kafkajsLogCreator(logger: Logger): logCreator {
  return () =>
    ({ namespace, log }) => {
      if (!logger.enabled('debug')) return;
      const { message, timestamp: _, logger: __, ...fields } = log;
      logger.debug(`kafkajs: ${message}`, { ...fields, namespace });
    };
}
