import type { Lifecycle } from './lifecycle.ts';
import type { Logger } from './log.ts';

/** Warnings of Node that say nothing to those who run a service, by exact name. kafkajs sets timers that are already due. */
const HIDDEN_WARNINGS: ReadonlySet<string> = new Set(['TimeoutNegativeWarning']);

/** While the service runs, signals and stray errors reach its lifecycle, and Node's warnings its log. Disposing undoes all of it. */
export function handleProcess(lifecycle: Lifecycle, log: Logger): Disposable {
  const onTerm = (): void => lifecycle.stop('SIGTERM');
  const onInt = (): void => lifecycle.stop('SIGINT');
  const onStray = (error: unknown): void => {
    log.error('uncaught error', { error });
    lifecycle.fail(error);
  };
  const onWarning = (warning: Error): void => {
    if (HIDDEN_WARNINGS.has(warning.name)) return;
    log.warn('warning from Node', { name: warning.name, text: warning.message });
  };
  // Node's own listener would print lines that are not JSON.
  const printers = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', onWarning);
  // Whoever read the log has gone: the work goes on all the same, and must not fail at the attempt to say so.
  const onLogGone = (): void => undefined;
  process.stderr.on('error', onLogGone);
  process.on('SIGTERM', onTerm).on('SIGINT', onInt);
  process.on('uncaughtException', onStray).on('unhandledRejection', onStray);
  return {
    [Symbol.dispose](): void {
      process.off('warning', onWarning);
      for (const printer of printers) process.on('warning', printer);
      process.stderr.off('error', onLogGone);
      process.off('SIGTERM', onTerm).off('SIGINT', onInt);
      process.off('uncaughtException', onStray).off('unhandledRejection', onStray);
    },
  };
}

/** Ends the process with this code once nothing keeps it, at the latest after `graceMs`: a handle left open must not keep a stopped service. */
export function endProcess(code: number, graceMs = 2_000): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), graceMs).unref();
}
