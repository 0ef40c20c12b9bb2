import { TaplineError } from '@tapline/kernel';
import { ORIGIN } from '@tapline/mysql';
import type { MysqlConfig } from './config.ts';

const PARTS = /\$\{([^}]*)\}/g;

/** What the declaration alone cannot say: names of unknown parts. @throws TaplineError CONFIG_INVALID. */
export function checkConfig(config: MysqlConfig): void {
  if (config.origin !== '' && !ORIGIN.test(config.origin)) {
    throw wrong('origin', 'may have up to 40 letters, digits, _ and -');
  }
  for (const field of ['database', 'table'] as const) {
    if (config[field] === '') throw wrong(field, 'must not be empty');
    for (const [part, name] of config[field].matchAll(PARTS)) {
      if (name !== 'db' && name !== 'table') throw wrong(field, `knows \${db} and \${table}, not ${part}`);
    }
  }
}

/** The name of a database or table by its template. */
export function nameBy(template: string, source: { readonly db: string; readonly table: string }): string {
  return template.replace(PARTS, (_, part: string) => (part === 'db' ? source.db : source.table));
}

function wrong(field: string, problem: string): TaplineError {
  const path = `sink.${field}`;
  return new TaplineError('CONFIG_INVALID', { message: `${path} ${problem}.`, place: { path } });
}
