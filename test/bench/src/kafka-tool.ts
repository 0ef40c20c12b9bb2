import { spawn } from 'node:child_process';
import type { KafkaCluster } from '@tapline/test-stack';
import { cpuSeconds } from './processes.ts';

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
  const child = spawn(command, ['-Xmx256m', '-cp', classPath, mainClass, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (text: Buffer) => {
    output += text.toString();
  });
  child.stderr.on('data', (text: Buffer) => {
    output += text.toString();
  });
  let cpu = 0;
  // A process's times are gone when it is.
  const timer = setInterval(() => {
    cpu = Math.max(cpu, cpuSeconds(child.pid));
  }, 20);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0) throw new Error(`${mainClass} ended with code ${code}:\n${output.slice(-2000)}`);
    return { output, cpu };
  } finally {
    clearInterval(timer);
    child.kill('SIGKILL');
  }
}
