import type { Kafka } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';

/** What a reader or a writer keeps beside the topics of tables: never matched, named it can be. */
const SERVICE_TOPICS = '(?!(?:[^.]+\\.(?:claims|leader|progress|schema-history|transactions)|.*\\.dead-letters)$)';

/** `source.topics`, told apart. */
export interface TopicChoice {
  readonly topics: readonly string[];
  readonly patterns: readonly RegExp[];
}

/** Names, patterns with `*` for any characters (`shop.*`), and regular expressions between slashes (`/shop\.(a|b)\..+/`). @throws TaplineError CONFIG_INVALID. */
export function topicsOf(entries: readonly string[]): TopicChoice {
  const topics: string[] = [];
  const patterns: RegExp[] = [];
  for (const [index, entry] of entries.entries()) {
    const source = patternOf(entry);
    if (source === undefined) topics.push(entry);
    else patterns.push(compile(source, `source.topics[${index}]`));
  }
  return { topics, patterns };
}

function patternOf(entry: string): string | undefined {
  if (entry.length > 2 && entry.startsWith('/') && entry.endsWith('/')) return entry.slice(1, -1);
  return entry.includes('*') ? entry.replace(/[\\^$.+?()[\]{}|]/g, '\\$&').replaceAll('*', '.*') : undefined;
}

function compile(source: string, path: string): RegExp {
  try {
    return new RegExp(`^${SERVICE_TOPICS}(?:${source})$`);
  } catch (cause) {
    throw new TaplineError('CONFIG_INVALID', {
      message: `${path} is no regular expression: ${(cause as Error).message}.`,
      place: { path },
      cause,
    });
  }
}

/** The topics that are meant at the moment: those that are named, and those that match. */
export async function topicsNow(kafka: Kafka, entries: readonly string[], signal?: AbortSignal): Promise<string[]> {
  const { topics, patterns } = topicsOf(entries);
  const all = patterns.length === 0 ? [] : await kafka.topics.list(signal);
  const matching = all.filter((topic) => !topic.startsWith('_') && patterns.some((pattern) => pattern.test(topic)));
  return [...new Set([...topics, ...matching])];
}
