import type { KafkaCluster } from '@tapline/test-stack';
import { quickStart, runKafkaTool } from './kafka-tool.ts';

/** Records in all topics whose names begin so, by their end offsets: one request for thousands of topics, where kafkajs asks topic by topic. */
export async function countRecords(kafka: KafkaCluster, prefix: string): Promise<number> {
  const pattern = `${prefix.replaceAll('.', '\\.')}.*`;
  const args = ['--bootstrap-server', kafka.address.brokers.join(','), '--topic', pattern];
  const { output } = await runKafkaTool(kafka, 'org.apache.kafka.tools.GetOffsetShell', args, quickStart(kafka));
  return sumOffsets(output, prefix);
}

/** Lines are `topic:partition:offset`; the tool's log may stand between them. */
export function sumOffsets(output: string, prefix: string): number {
  let sum = 0;
  for (const line of output.split('\n')) {
    const [topic = '', partition, offset] = line.split(':');
    if (topic.startsWith(prefix) && partition !== undefined && /^\d+$/.test(offset ?? '')) sum += Number(offset);
  }
  return sum;
}
