import type { KafkaCluster } from '@tapline/test-stack';
import { runJavaTool } from './java-tool.ts';

/**
 * Runs one of Kafka's own tools; the broker's Java and class path hold them.
 *
 * @returns what it printed, and the CPU seconds it took.
 * @throws with the end of its output when it fails.
 */
export async function runKafkaTool(
  kafka: KafkaCluster,
  mainClass: string,
  args: readonly string[],
): Promise<{ output: string; cpu: number }> {
  const { command, args: brokerArgs } = kafka.broker(1).process.spec;
  const classPath = brokerArgs[brokerArgs.indexOf('-cp') + 1] as string;
  return await runJavaTool({ command, classPath, mainClass, args });
}
