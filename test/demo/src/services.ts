import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ManagedProcess, Stack } from '@tapline/test-stack';
import { DATABASE, SHOP_TABLES } from './shop.ts';
import type { SinkName } from './stores/index.ts';
import type { DemoStore } from './stores/store.ts';

const CLI = fileURLToPath(new URL('../../../services/cli/src/main.ts', import.meta.url));
const SOURCE = 'demo';

export type DemoStack = Stack<{ mysql: true; kafka: 1 }>;

export interface DemoService {
  readonly process: ManagedProcess;
  readonly configFile: string;
  readonly adminUrl: string;
}

function readerYaml(stack: DemoStack, adminPort: number): string {
  const { host, port, user, password } = stack.mysql.readerAddress;
  return `# Follows the demo's MySQL and publishes the shop's tables to Kafka.
name: ${SOURCE}
source:
  host: ${host}
  port: ${port}
  user: ${user}
  password: ${password}
  include: ["${DATABASE}.*"]
kafka:
  brokers: [${stack.kafka.address.brokers.map((broker) => `"${broker}"`).join(', ')}]
topics:
  partitions: 4
  replicationFactor: 1
admin:
  port: ${adminPort}
`;
}

function writerYaml(stack: DemoStack, name: SinkName, sink: DemoStore['sink'], adminPort: number): string {
  const topics = SHOP_TABLES.map((table) => `    - ${SOURCE}.${DATABASE}.${table.name}\n`).join('');
  // JSON is YAML.
  const settings = Object.entries(sink).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}\n`);
  return `# Keeps the shop's rows in step in one store.
name: demo-to-${name}
source:
  brokers: [${stack.kafka.address.brokers.map((broker) => `"${broker}"`).join(', ')}]
  topics:
${topics}  # A writer that was killed keeps its partitions so long.
  sessionTimeoutMs: 6000
sink:
${settings.join('')}admin:
  port: ${adminPort}
`;
}

/** A service as a person would run it: a YAML file, through the CLI; not launched yet. */
async function create(
  stack: DemoStack,
  command: 'reader' | 'writer',
  name: string,
  yaml: string,
  port: number,
): Promise<DemoService> {
  const configFile = join(stack.folder, `${name}.yaml`);
  await writeFile(configFile, yaml);
  const service = stack.process({
    name,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', CLI, command, '--config', configFile],
    logFile: join(stack.folder, `${name}.log`),
  });
  return { process: service, configFile, adminUrl: `http://127.0.0.1:${port}` };
}

export async function createReader(stack: DemoStack): Promise<DemoService> {
  const [port = 0] = await stack.reserve(1);
  return await create(stack, 'reader', 'reader', readerYaml(stack, port), port);
}

export async function createWriter(stack: DemoStack, name: SinkName, store: DemoStore): Promise<DemoService> {
  const [port = 0] = await stack.reserve(1);
  return await create(stack, 'writer', `writer-${name}`, writerYaml(stack, name, store.sink, port), port);
}

/** Resolves true when the service says that it is ready. */
export async function isReady(service: DemoService): Promise<boolean> {
  const response = await fetch(`${service.adminUrl}/readyz`, { signal: AbortSignal.timeout(1000) });
  await response.arrayBuffer();
  return response.ok;
}
