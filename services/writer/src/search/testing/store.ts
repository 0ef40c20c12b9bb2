/** The store's own eyes: requests that are not the sink's. */
export class Store {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** The status, and the answer as JSON (a text where it is none). */
  async ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(`${this.url}/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text };
  }

  /** @throws Error when the store refuses. */
  async must(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer.body;
  }

  /** What is stored of a document; undefined when it is not there. */
  async source(index: string, id: string, routing?: string): Promise<unknown> {
    const answer = await this.ask('GET', `${index}/_source/${id}${routing === undefined ? '' : `?routing=${routing}`}`);
    return answer.status === 404 ? undefined : answer.body;
  }
}
