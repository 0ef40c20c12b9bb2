import { describeError, type ErrorDescription, type LogFields, type Logger } from '@tapline/kernel';

/** What is the matter: an error that was logged, and when. */
export interface Trouble extends ErrorDescription {
  /** What was being done. */
  readonly during: string;
  readonly atMs: number;
}

/** A logger that also tells of every warning or error with its `error`: what is tried again and again shows nowhere else. */
export function notingLogger(log: Logger, note: (trouble: Trouble) => void): Logger {
  const told = (during: string, fields: LogFields | undefined): void => {
    if (fields?.error !== undefined) note({ ...describeError(fields.error, log.redactor), during, atMs: Date.now() });
  };
  return {
    error(message, fields) {
      log.error(message, fields);
      told(message, fields);
    },
    warn(message, fields) {
      log.warn(message, fields);
      told(message, fields);
    },
    info: (message, fields) => log.info(message, fields),
    debug: (message, fields) => log.debug(message, fields),
    child: (fields) => notingLogger(log.child(fields), note),
    enabled: (level) => log.enabled(level),
    redactor: log.redactor,
  };
}
