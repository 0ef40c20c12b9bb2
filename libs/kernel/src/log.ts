import winston from 'winston';
import { describeError } from './describe-error.ts';
import { Redactor } from './redact.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
export type LogFormat = 'json' | 'text';
/** Fields of one line. `error` may be anything that was thrown: it is described, with causes and remedy. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One JSON object a line on stderr: stdout belongs to results (`--print-config`, `--help`). */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
  /** True when lines of this level are written: spares building costly fields. */
  enabled(level: LogLevel): boolean;
  /** Masks these values in every later line, here and in all children. */
  readonly redactor: Redactor;
}

export interface LogOptions {
  /** Default `info`. */
  readonly level?: LogLevel;
  /** Default `json`; `text` is for people. */
  readonly format?: LogFormat;
  /** Default stderr. */
  readonly stream?: NodeJS.WritableStream;
  readonly redactor?: Redactor;
  /** In every line. */
  readonly fields?: LogFields;
}

export function createLogger(options: LogOptions = {}): Logger {
  const redactor = options.redactor ?? new Redactor();
  const { printf } = winston.format;
  const core = winston.createLogger({
    level: options.level ?? 'info',
    format: printf((info) => (options.format === 'text' ? textLine(info) : jsonLine(info))),
    transports: [new winston.transports.Stream({ stream: options.stream ?? process.stderr, eol: '\n' })],
  });
  return new WinstonLogger(core, redactor, options.fields ?? {});
}

/** Says nothing: for tests and for libraries that were given no logger. */
export const silentLogger: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => silentLogger,
  enabled: () => false,
  redactor: new Redactor(),
};

class WinstonLogger implements Logger {
  readonly redactor: Redactor;
  readonly #core: winston.Logger;
  readonly #fields: LogFields;

  constructor(core: winston.Logger, redactor: Redactor, fields: LogFields) {
    this.#core = core;
    this.redactor = redactor;
    this.#fields = fields;
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }
  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields);
  }
  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields);
  }
  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields);
  }
  child(fields: LogFields): Logger {
    return new WinstonLogger(this.#core, this.redactor, { ...this.#fields, ...fields });
  }
  enabled(level: LogLevel): boolean {
    return this.#core.isLevelEnabled(level);
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (!this.#core.isLevelEnabled(level)) return;
    const { error, ...rest } = { ...this.#fields, ...fields };
    const data = this.redactor.data(rest) as Record<string, unknown>;
    if (error !== undefined) data['error'] = describeError(error, this.redactor);
    this.#core.log({ level, message: this.redactor.text(message), [DATA]: data });
  }
}

/** Fields travel apart from winston's own (`level`, `message`), so that a field with such a name cannot break a line. */
const DATA = Symbol('data');

type Line = winston.Logform.TransformableInfo;

function dataOf(info: Line): Record<string, unknown> {
  return (info as unknown as Record<symbol, Record<string, unknown>>)[DATA] ?? {};
}

function jsonLine(info: Line): string {
  const { time: _, level: __, message: ___, ...data } = dataOf(info);
  return JSON.stringify({ time: new Date().toISOString(), level: info.level, message: info.message, ...data });
}

function textLine(info: Line): string {
  const { error, ...data } = dataOf(info);
  const fields = Object.entries(data).map(
    ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const head = `${new Date().toISOString().slice(11, 23)} ${info.level.padEnd(5)} ${String(info.message)}${fields.join('')}`;
  if (error === undefined) return head;
  const { code, message, place, remedy, causes, stack } = error as ReturnType<typeof describeError>;
  const lines = [`${head}`, `  ${code}: ${message}`];
  if (place !== undefined) lines.push(`  where: ${JSON.stringify(place)}`);
  for (const cause of causes ?? []) lines.push(`  cause: ${cause}`);
  if (remedy !== undefined) lines.push(`  remedy: ${remedy}`);
  if (stack !== undefined) lines.push(stack.replace(/^/gm, '  '));
  return lines.join('\n');
}
