import { spawn } from 'node:child_process';
import { cpuSeconds } from './processes.ts';

export interface JavaTool {
  /** The Java of the server beside it. */
  readonly command: string;
  /** Options of the JVM. */
  readonly options?: readonly string[];
  readonly classPath: string;
  readonly mainClass: string;
  readonly args: readonly string[];
}

/**
 * Runs a Java program to its end.
 *
 * @returns what it printed, and the CPU seconds it took.
 * @throws with the end of its output when it fails.
 */
export async function runJavaTool({
  command,
  options = [],
  classPath,
  mainClass,
  args,
}: JavaTool): Promise<{ output: string; cpu: number }> {
  const child = spawn(command, ['-Xmx256m', ...options, '-cp', classPath, mainClass, ...args], {
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
