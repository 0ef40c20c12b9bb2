import type { KafkaCluster } from '@tapline/test-stack';
import { runJavaTool } from './java-tool.ts';

/**
 * Runs one of Kafka's own tools; the broker's Java and class path hold them.
 *
 * @param options of the JVM.
 * @returns what it printed, and the CPU seconds it took.
 * @throws with the end of its output when it fails.
 */
export async function runKafkaTool(
  kafka: KafkaCluster,
  mainClass: string,
  args: readonly string[],
  options: readonly string[] = [],
): Promise<{ output: string; cpu: number }> {
  const { command, args: brokerArgs } = kafka.broker(1).process.spec;
  const classPath = brokerArgs[brokerArgs.indexOf('-cp') + 1] as string;
  return await runJavaTool({ command, options, classPath, mainClass, args });
}

/** Options for a tool that has little to do: most of its time is its start. */
export function quickStart(kafka: KafkaCluster): readonly string[] {
  const { args } = kafka.broker(1).process.spec;
  const archive = args.filter((arg) => arg.startsWith('-XX:SharedArchiveFile='));
  return ['-XX:TieredStopAtLevel=1', ...archive];
}
