import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ManagedProcess, Stack } from '@tapline/test-stack';
import { DATABASE, SHOP_TABLES } from './shop.ts';

const CLI = fileURLToPath(new URL('../../../services/cli/src/main.ts', import.meta.url));
const SOURCE = 'demo';

type DemoStack = Stack<{ mysql: true; kafka: 1; redis: true }>;

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

function writerYaml(stack: DemoStack, adminPort: number): string {
  const topics = SHOP_TABLES.map(({ name }) => `    - ${SOURCE}.${DATABASE}.${name}\n`).join('');
  return `# Keeps one Redis hash a row, named table:key.
name: demo-to-redis
source:
  brokers: [${stack.kafka.address.brokers.map((broker) => `"${broker}"`).join(', ')}]
  topics:
${topics}  # A writer that was killed keeps its partitions so long.
  sessionTimeoutMs: 6000
sink:
  type: redis
  address: ${stack.redis.address.address}
  as: hash
admin:
  port: ${adminPort}
`;
}

/** Reader and writer as a person would run them: a YAML file each, through the CLI; not launched yet. */
export async function createServices(stack: DemoStack): Promise<{ reader: DemoService; writer: DemoService }> {
  const [readerPort = 0, writerPort = 0] = await stack.reserve(2);
  const create = async (name: 'reader' | 'writer', yaml: string, port: number): Promise<DemoService> => {
    const configFile = join(stack.folder, `${name}.yaml`);
    await writeFile(configFile, yaml);
    const process_ = stack.process({
      name,
      command: process.execPath,
      args: ['--disable-warning=ExperimentalWarning', CLI, name, '--config', configFile],
      logFile: join(stack.folder, `${name}.log`),
    });
    return { process: process_, configFile, adminUrl: `http://127.0.0.1:${port}` };
  };
  return {
    reader: await create('reader', readerYaml(stack, readerPort), readerPort),
    writer: await create('writer', writerYaml(stack, writerPort), writerPort),
  };
}

/** Resolves true when the service says that it is ready. */
export async function isReady(service: DemoService): Promise<boolean> {
  const response = await fetch(`${service.adminUrl}/readyz`, { signal: AbortSignal.timeout(1000) });
  await response.arrayBuffer();
  return response.ok;
}
