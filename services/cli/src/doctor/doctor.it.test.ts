import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openStack, reservePorts, type SqlAddress, testServers } from '@tapline/test-stack';
import { createConnection } from 'mysql2/promise';
import type { Report } from './text.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const name = `doctor${process.pid}x${Math.random().toString(36).slice(2, 8)}`;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tapline-doctor-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

interface Outcome {
  readonly exitCode: number;
  readonly report: Report;
}

/** `tapline doctor FILE --json` in a process of its own, as people run it. */
async function doctor(yaml: string): Promise<Outcome> {
  const file = join(folder, `${Math.random().toString(36).slice(2)}.yaml`);
  await writeFile(file, yaml);
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [MAIN, 'doctor', file, '--json'], (error, stdout, stderr) => {
      const [report] = stdout === '' ? [] : (JSON.parse(stdout) as Report[]);
      if (report === undefined) reject(new Error(`doctor printed no report: ${stderr}`));
      else resolve({ exitCode: typeof error?.code === 'number' ? error.code : 0, report });
    });
  });
}

/** `check → level code` of every finding that is not well. */
function troubles({ report }: Outcome): string[] {
  return Object.values(report.areas)
    .flat()
    .filter(({ level }) => level !== 'ok')
    .map(({ check, level, code }) => `${check} ${level}${code === undefined ? '' : ` ${code}`}`);
}

async function sql(address: SqlAddress, statements: string): Promise<void> {
  const connection = await createConnection({ ...address, multipleStatements: true });
  await connection.query(statements);
  await connection.end();
}

const reader = (
  source: { host: string; port: number },
  options: { user?: string; password?: string; brokers: string; registry?: string },
): string => `
name: ${name}
source: { host: ${source.host}, port: ${source.port}, user: ${options.user ?? 'cdc'}, password: ${options.password ?? 'cdc'}, include: ["${name}.*"] }
kafka: { brokers: ["${options.brokers}"] }
${options.registry ?? ''}
`;

test('a fit source, broker and registry: nothing fails and the exit code is 0', async () => {
  const { mysql, kafka } = await testServers('mysql', 'kafka');
  await sql(mysql, `CREATE DATABASE ${name}; CREATE TABLE ${name}.t (id INT PRIMARY KEY)`);
  const outcome = await doctor(reader(mysql, { brokers: kafka.brokers[0] as string }));
  expect(troubles(outcome)).toEqual(['min-insync-replicas warn']);
  expect(outcome.exitCode).toBe(0);
});

test('a source with every setting wrong and an account without grants: each is named with what mends it', async () => {
  const { kafka } = await testServers('kafka');
  await using stack = await openStack({
    mysql: {
      settings: {
        'binlog-format': 'STATEMENT',
        'binlog-row-image': 'MINIMAL',
        'binlog-row-metadata': 'MINIMAL',
        'gtid-mode': 'OFF',
        'enforce-gtid-consistency': 'OFF',
        'binlog-expire-logs-seconds': '3600',
        'binlog-row-value-options': 'PARTIAL_JSON',
      },
    },
  });
  const { mysql } = stack;
  await sql(
    mysql.address,
    `CREATE DATABASE ${name}; CREATE TABLE ${name}.keyless (a INT); CREATE TABLE ${name}.t (id INT PRIMARY KEY);
     CREATE USER poor@'%' IDENTIFIED BY 'poor'; GRANT INSERT ON ${name}.* TO poor@'%';`,
  );
  const outcome = await doctor(reader(mysql, { user: 'poor', password: 'poor', brokers: kafka.brokers[0] as string }));
  expect(troubles(outcome)).toEqual([
    'binlog-format fail SOURCE_BINLOG_FORMAT',
    'row-image fail SOURCE_ROW_IMAGE',
    'gtid-mode warn',
    'grant-replication-slave fail SOURCE_MISSING_GRANT',
    'grant-replication-client fail SOURCE_MISSING_GRANT',
    'grant-xa-recover-admin warn',
    'partial-json fail SOURCE_ROW_IMAGE',
    'binlog-retention warn',
    'key fail SCHEMA_NO_KEY',
    'grant-select fail SOURCE_MISSING_GRANT',
    'grant-select fail SOURCE_MISSING_GRANT',
    'anchors warn SOURCE_MISSING_GRANT',
    'min-insync-replicas warn',
  ]);
  expect(outcome.exitCode).toBe(1);
  const findings = Object.values(outcome.report.areas).flat();
  expect(findings.filter(({ level, mend }) => level !== 'ok' && mend === '')).toEqual([]);

  // What it prints mends it.
  await sql(
    mysql.address,
    `SET PERSIST binlog_format = 'ROW'; ${findings.find(({ check }) => check === 'grant-replication-slave')?.mend}`,
  );
  const after = await doctor(reader(mysql, { user: 'poor', password: 'poor', brokers: kafka.brokers[0] as string }));
  expect(troubles(after)).not.toContain('binlog-format fail SOURCE_BINLOG_FORMAT');
  expect(troubles(after)).not.toContain('grant-replication-slave fail SOURCE_MISSING_GRANT');
});

test('nothing there: source, brokers and sink each fail with their own code', async () => {
  const [mysqlPort, kafkaPort, redisPort] = await reservePorts(3);
  const source = await doctor(
    reader({ host: '127.0.0.1', port: mysqlPort as number }, { brokers: `127.0.0.1:${kafkaPort}` }),
  );
  expect(troubles(source)).toEqual(['connection fail SOURCE_UNREACHABLE', 'brokers fail KAFKA_UNREACHABLE']);
  expect(source.exitCode).toBe(1);
  const sink = await doctor(`
name: ${name}-writer
source: { brokers: ["127.0.0.1:${kafkaPort}"], topics: [${name}.${name}.t] }
sink: { type: redis, address: "127.0.0.1:${redisPort}" }
`);
  expect(troubles(sink)).toEqual(['brokers fail KAFKA_UNREACHABLE', 'connection fail SINK_REDIS_UNREACHABLE']);
});

test('a configuration that cannot work is refused before anything is looked at', async () => {
  const broken = `
name: ${name}-writer
source: { brokers: ["127.0.0.1:1"], topics: [t] }
sink: { type: redis }
transform: [{ filter: "op in [" }]
`;
  await expect(doctor(broken)).rejects.toThrow(/CONFIG_INVALID.*transform\[0\]\.filter/s);
});

test('a writer: missing topic and unreachable sink are told, the broker is well', async () => {
  const { kafka } = await testServers('kafka');
  const [redisPort] = await reservePorts(1);
  const outcome = await doctor(`
name: ${name}-writer
source: { brokers: ["${kafka.brokers[0]}"], topics: [${name}.nowhere.t] }
sink: { type: redis, address: "127.0.0.1:${redisPort}" }
`);
  expect(troubles(outcome)).toEqual([
    'min-insync-replicas warn',
    `topic ${name}.nowhere.t fail TOPIC_MISSING`,
    'connection fail SINK_REDIS_UNREACHABLE',
  ]);
});
