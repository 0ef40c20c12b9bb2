import type { GroupField } from '@tapline/kernel';
import type { SinkDefinition } from '@tapline/sink';

const SQLITE_CONFIG = {
  type: 'group',
  doc: 'A table of rows in a file.',
  fields: {
    file: { type: 'text', doc: 'The database’s file; it is made when it is not there.' },
  },
} as const satisfies GroupField;

/** The worked example of CONTRIBUTING.md: rows as JSON in a file of SQLite. It is in no product. */
export const sqliteSink: SinkDefinition<typeof SQLITE_CONFIG> = {
  type: 'sqlite',
  summary: 'SQLite: a row of JSON a row, in one file.',
  config: SQLITE_CONFIG,
  async open({ file }) {
    const { SqliteSink } = await import('./sink.ts');
    return new SqliteSink(file);
  },
};
