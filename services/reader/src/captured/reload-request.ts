import type { AdminAnswer } from '@tapline/kernel';

/** What a session has for a request to load tables again. */
interface Reloads {
  /** The captured tables as they are now, `database.table`. */
  captured(): readonly string[];
  reload(tables: readonly string[]): void;
}

/**
 * `POST /reload?table=<database>.<table>`, with `table` as often as needed, or `POST /reload?all`: these tables are loaded again while the stream goes on, and what stands in their
 * topics and is not in them any more is deleted. Accepted, not done: `/state` tells how far it is.
 */
export function answerReload(url: URL, { captured, reload }: Reloads): AdminAnswer {
  const known = captured();
  const tables = url.searchParams.has('all') ? known : [...new Set(url.searchParams.getAll('table'))];
  if (tables.length === 0) {
    return { status: 400, body: { error: 'Say which: POST /reload?table=<database>.<table>, or POST /reload?all.' } };
  }
  const unknown = tables.filter((table) => !known.includes(table));
  if (unknown.length > 0)
    return { status: 404, body: { error: `These are no captured tables: ${unknown.join(', ')}.` } };
  reload(tables);
  return { status: 202, body: { tables } };
}
