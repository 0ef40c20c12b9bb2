import type { Change } from '@tapline/sink';
import { compileTemplate } from '../../naming/template.ts';
import type { HBaseConfig } from './config.ts';
import { compileRowKey } from './row-key.ts';
import { ENCODE } from './values.ts';

/** What each change comes to where its version is newer than the row's, as the HBase shell would have it. */
export function preview(changes: readonly Change[], config: HBaseConfig): readonly string[] {
  const table = compileTemplate(config.table, { path: 'sink.table', row: false, nullText: '' });
  const rowKey = compileRowKey(config.rowKey);
  return changes.map((change) => {
    const place = `'${table(change)}', ${quoted(rowKey(change))}`;
    const { after, version } = change;
    if (after === null)
      return config.mode === 'archive' ? `(${place} is left as it is)` : `deleteall ${place}, ${version}`;
    const cells = Object.entries(after).flatMap(([column, value]) => {
      if (value === null) return [];
      const bytes = ENCODE[config.encode[column] ?? 'text'](value, column);
      return [`${config.families[column] ?? config.family}:${column}=${quoted(Buffer.from(bytes))}`];
    });
    return `put ${place}, ${cells.join(' ')}, ${version}`;
  });
}

/** Readable bytes as they are, others as \xNN, in the quotes that the shell reads these in. */
function quoted(bytes: Buffer): string {
  const text = bytes
    .toString('latin1')
    .replace(/[^ !#-[\]-~]/g, (one) => `\\x${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
  return `"${text}"`;
}
