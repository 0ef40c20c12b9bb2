import type { Topics } from '@tapline/kafka';

/**
 * Which tables have topics that the writer does not read: those whose topic is there, by the name that readers give it, and is not read. Of all others it is not known where
 * their changes go.
 */
export class TablesElsewhere {
  readonly #names: ReadonlySet<string>;

  private constructor(names: ReadonlySet<string>) {
    this.#names = names;
  }

  static async find(
    topics: Pick<Topics, 'list'>,
    source: string,
    read: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<TablesElsewhere> {
    const prefix = `${source}.`;
    const others = (await topics.list(signal)).filter((topic) => topic.startsWith(prefix) && !read.has(topic));
    return new TablesElsewhere(new Set(others.map((topic) => topic.slice(prefix.length))));
  }

  has(table: string): boolean {
    return this.#names.has(table);
  }
}
