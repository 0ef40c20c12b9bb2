/** Which tables and topics steps are for. */
export interface Choice {
  readonly tables?: readonly string[];
  readonly topics?: readonly string[];
}

/** Whether something of a topic and a table (`<database>.<table>`) is chosen. `*` stands for any characters. */
export function matcherOf({
  tables = [],
  topics = [],
}: Choice): (of: { readonly topic: string; readonly table: string }) => boolean {
  const [byTable, byTopic] = [wholeNames(tables), wholeNames(topics)];
  return ({ topic, table }) => byTopic(topic) || byTable(table);
}

function wholeNames(patterns: readonly string[]): (name: string) => boolean {
  const sources = patterns.map((pattern) => pattern.replace(/[\\^$.+?()[\]{}|]/g, '\\$&').replaceAll('*', '.*'));
  if (sources.length === 0) return () => false;
  const whole = new RegExp(`^(?:${sources.join('|')})$`, 's');
  return (name) => whole.test(name);
}
