import { isNativeError } from 'node:util/types';
import type { ErrorCode } from './error-codes.ts';
import { type Disposition, type ErrorPlace, TaplineError } from './errors.ts';
import { Redactor } from './redact.ts';

/** An error as one log-ready object. */
export interface ErrorDescription {
  readonly code: ErrorCode;
  readonly disposition: Disposition;
  readonly message: string;
  readonly place?: ErrorPlace;
  readonly remedy?: string;
  /** The causes below it, outermost first, each as `CODE: message`. */
  readonly causes?: readonly string[];
  /** Only of errors that Tapline did not raise itself: there the code says little, the place in the code much. */
  readonly stack?: string;
}

const MAX_CAUSES = 8;
const urlsOnly = new Redactor();

/** Anything thrown, as one object to log or print. What is not a TaplineError is described as INTERNAL, with its stack. */
export function describeError(error: unknown, redactor: Redactor = urlsOnly): ErrorDescription {
  const causes = causesOf(error).map((cause) => redactor.text(cause));
  const shared = causes.length === 0 ? {} : { causes };
  if (error instanceof TaplineError) {
    const place = redactor.data(error.place) as ErrorPlace;
    return {
      code: error.code,
      disposition: error.disposition,
      message: redactor.text(error.message),
      ...(Object.keys(place).length === 0 ? {} : { place }),
      remedy: redactor.text(error.remedy),
      ...shared,
    };
  }
  return {
    code: 'INTERNAL',
    disposition: 'fatal',
    message: redactor.text(lineOf(error)),
    ...shared,
    ...(isError(error) && error.stack !== undefined ? { stack: redactor.text(error.stack) } : {}),
  };
}

/** The same for a person at a terminal: several lines, no stack unless the error is a defect. */
export function printableError(error: unknown, redactor: Redactor = urlsOnly): string {
  const { code, message, place, remedy, causes, stack } = describeError(error, redactor);
  const lines = [`${code}: ${message}`];
  if (place !== undefined) {
    const parts = Object.entries(place).map(([name, value]) => (name === 'path' ? String(value) : `${name} ${value}`));
    lines.push(`  where: ${parts.join(', ')}`);
  }
  for (const cause of causes ?? []) lines.push(`  cause: ${cause}`);
  if (remedy !== undefined) lines.push(`  remedy: ${remedy}`);
  if (stack !== undefined) lines.push(stack.replace(/^/gm, '  '));
  return lines.join('\n');
}

function causesOf(error: unknown): string[] {
  const lines: string[] = [];
  const visit = (cause: unknown): void => {
    if (cause === undefined || lines.length >= MAX_CAUSES) return;
    lines.push(lineOf(cause));
    below(cause);
  };
  const below = (parent: unknown): void => {
    if (!isError(parent)) return;
    if ('errors' in parent && Array.isArray(parent.errors)) for (const one of parent.errors) visit(one);
    visit(parent.cause);
  };
  below(error);
  return lines;
}

/** `CODE: message` of any thrown thing; drivers put their code in `code`. */
function lineOf(error: unknown): string {
  if (!isError(error)) return `${typeof error} thrown: ${String(error)}`;
  const code = 'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? error.code : '';
  const message = error.message === '' ? error.name : error.message;
  return code === '' || message.includes(String(code)) ? message : `${code}: ${message}`;
}

/** Also errors of another realm, such as Node's own under a test runner, and DOMExceptions. */
function isError(value: unknown): value is Error {
  return value instanceof Error || isNativeError(value);
}
