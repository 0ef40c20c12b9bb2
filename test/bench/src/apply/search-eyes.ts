import { setTimeout as sleep } from 'node:timers/promises';

const JSON_TYPE = { 'content-type': 'application/json' };
const POLL_MS = 5;

/** Settings that say what an index is, and not which one it is. */
const OWN_SETTINGS: ReadonlySet<string> = new Set([
  'creation_date',
  'provided_name',
  'uuid',
  'version',
  'replication.type',
  'resize',
]);

interface IndexShape {
  readonly mappings: unknown;
  readonly settings: { readonly index: Readonly<Record<string, unknown>> };
}

/** What the bench asks Elasticsearch or OpenSearch beside the bulks. */
export class SearchEyes {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async remove(index: string): Promise<void> {
    await this.#ask(`/${index}?ignore_unavailable=true`, { method: 'DELETE' });
  }

  /** Settings and mapping, to make another index of. */
  async shapeOf(index: string): Promise<string> {
    const all = (await this.#ask(`/${index}`)) as Record<string, IndexShape>;
    const { mappings = {}, settings: { index: own = {} } = {} } = all[index] ?? {};
    const kept = Object.entries(own).filter(([name]) => !OWN_SETTINGS.has(name));
    return JSON.stringify({ mappings, settings: { index: Object.fromEntries(kept) } });
  }

  async make(index: string, shape: string): Promise<void> {
    await this.remove(index);
    await this.#ask(`/${index}`, { method: 'PUT', headers: JSON_TYPE, body: shape });
  }

  async requireDocuments(index: string, rows: number): Promise<void> {
    await this.refresh();
    const { count } = (await this.#ask(`/${index}/_count`)) as { count: number };
    if (count !== rows) throw new Error(`the index ${index} holds ${count} documents instead of ${rows}`);
  }

  /** Documents that were written to an index; 0 while it is not there. */
  async written(index: string): Promise<number> {
    const { indexing } = await this.#statsOf(index, '/_stats/indexing');
    return indexing?.index_total ?? 0;
  }

  /** Bulks that an index was written in; undefined: OpenSearch does not count them. */
  async bulks(index: string): Promise<number | undefined> {
    const { bulk } = await this.#statsOf(index, '/_stats');
    return bulk?.total_operations;
  }

  /** Resolves when no bulk is being worked on. */
  async untilWritten(): Promise<void> {
    for (;;) {
      const path = '/_nodes/stats/thread_pool?filter_path=nodes.*.thread_pool.write';
      const { nodes } = (await this.#ask(path)) as { nodes: Record<string, NodeStats> };
      const pools = Object.values(nodes).map(({ thread_pool }) => thread_pool.write);
      if (pools.every(({ active, queue }) => active === 0 && queue === 0)) return;
      await sleep(POLL_MS);
    }
  }

  /** Puts what was written into segments, in which searches find it: by itself the store does that once a second. */
  async refresh(): Promise<void> {
    await this.#ask('/_refresh', { method: 'POST' });
  }

  async #statsOf(index: string, path: string): Promise<IndexStats> {
    const answer = await this.#ask(`${path}?filter_path=indices.${index}.primaries`);
    const { indices = {} } = answer as { indices?: Record<string, { readonly primaries?: IndexStats }> };
    return indices[index]?.primaries ?? {};
  }

  async #ask(path: string, init: RequestInit = {}): Promise<unknown> {
    const answer = await fetch(`${this.#url}${path}`, init);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return await answer.json();
  }
}

interface IndexStats {
  readonly indexing?: { readonly index_total: number };
  readonly bulk?: { readonly total_operations: number };
}

interface NodeStats {
  readonly thread_pool: { readonly write: { readonly active: number; readonly queue: number } };
}
