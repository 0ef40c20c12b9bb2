import type { KafkaCluster, MysqlServer, StackBase } from '@tapline/test-stack';
import { binlogEnd, createTable, loadRows } from './rows.ts';
import { aliveCheck, createReader, type ReaderDifference, topicOf } from './services.ts';
import { TopicWatch } from './topics.ts';

type SourceStack = StackBase & { readonly mysql: MysqlServer; readonly kafka: KafkaCluster };

/** Has a reader publish so many rows, and ends it and MySQL. @returns the topic that holds them. */
export async function fillTopic(
  stack: SourceStack,
  { rows, difference = {}, say }: { rows: number; difference?: ReaderDifference; say: (line: string) => void },
): Promise<string> {
  const topic = topicOf('source');
  await createTable(stack.mysql);
  const { gtidSet } = await binlogEnd(stack.mysql);
  say(`filling the topic with ${rows} rows`);
  await loadRows(stack.mysql, rows);
  const reader = await createReader(stack, 'source', gtidSet, difference);
  await reader.launch();
  await using watch = await TopicWatch.open(stack.kafka.address.brokers, topic);
  await watch.until(rows, aliveCheck(reader), 100);
  await reader.stop();
  await stack.mysql.stop();
  return topic;
}
