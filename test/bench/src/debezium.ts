import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  copyJars,
  findJava,
  type KafkaCluster,
  type ManagedProcess,
  type MysqlServer,
  provisionOnce,
  type StackBase,
} from '@tapline/test-stack';
import { CpuMeter, cpuSeconds, peakRssMib } from './processes.ts';
import type { Measurement } from './report.ts';
import { DATABASE, TABLE } from './rows.ts';
import { aliveCheck, PARTITIONS } from './services.ts';
import { TopicWatch } from './topics.ts';

export const DEBEZIUM_VERSION = '3.6.1.Final';
const PREFIX = 'dbz';

/** Debezium in Kafka Connect, standing at the end of the binlog before the load, so that it can catch up as often as wanted. */
export interface Debezium {
  measure(rows: number): Promise<Measurement>;
}

type PeerStack = StackBase & { readonly mysql: MysqlServer; readonly kafka: KafkaCluster };

/** Tuned as far as its documentation goes; the defaults are slower by half. */
function workerProperties(brokers: readonly string[], port: number, offsets: string): string {
  return `bootstrap.servers=${brokers.join(',')}
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=false
value.converter.schemas.enable=false
offset.storage.file.filename=${offsets}
offset.flush.interval.ms=1000
listeners=http://127.0.0.1:${port}
plugin.discovery=service_load
producer.acks=all
producer.batch.size=524288
producer.linger.ms=10
producer.buffer.memory=67108864
producer.max.in.flight.requests.per.connection=5
producer.compression.type=lz4
`;
}

function connectorProperties(stack: PeerStack, history: string): string {
  const { host, port, user, password } = stack.mysql.readerAddress;
  return `name=${PREFIX}
connector.class=io.debezium.connector.mysql.MySqlConnector
tasks.max=1
database.hostname=${host}
database.port=${port}
database.user=${user}
database.password=${password}
database.server.id=92001
topic.prefix=${PREFIX}
database.include.list=${DATABASE}
table.include.list=${DATABASE}.${TABLE}
include.schema.changes=false
snapshot.mode=no_data
snapshot.locking.mode=none
schema.history.internal=io.debezium.storage.file.history.FileSchemaHistory
schema.history.internal.file.filename=${history}
schema.history.internal.store.only.captured.tables.ddl=true
max.batch.size=8192
max.queue.size=32768
poll.interval.ms=50
`;
}

/** Fetches Debezium, starts it, lets it find its place, and stops it. The table must be there and empty. */
export async function prepareDebezium(stack: PeerStack, say: (line: string) => void): Promise<Debezium> {
  const { folder: jars } = await provisionOnce(
    `debezium-${DEBEZIUM_VERSION}`,
    async (into) =>
      await copyJars(
        [
          `io.debezium:debezium-connector-mysql:${DEBEZIUM_VERSION}`,
          `io.debezium:debezium-embedded:${DEBEZIUM_VERSION}`,
          // Else an older API wins that finds no logger.
          'org.slf4j:slf4j-api:2.0.17',
          'org.slf4j:slf4j-simple:2.0.17',
        ],
        into,
        join(into, 'lib'),
      ),
    say,
  );
  const { command } = await findJava();
  const [port = 0] = await stack.reserve(1);
  const state = join(stack.folder, 'debezium');
  const base = join(stack.folder, 'debezium-base');
  const worker = join(stack.folder, 'debezium-worker.properties');
  const connector = join(stack.folder, 'debezium-connector.properties');
  const { brokers } = stack.kafka.address;
  await writeFile(worker, workerProperties(brokers, port, `${state}.offsets`));
  await writeFile(connector, connectorProperties(stack, `${state}.history`));
  const connect = stack.process({
    name: 'debezium',
    command,
    args: [
      '-Xms256m',
      '-Xmx2g',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=info',
      '-cp',
      join(jars, 'lib', '*'),
      'org.apache.kafka.connect.cli.ConnectStandalone',
      worker,
      connector,
    ],
    logFile: join(stack.folder, 'debezium.log'),
  });
  const topic = `${PREFIX}.${DATABASE}.${TABLE}`;
  const watch = await TopicWatch.open(brokers, topic);
  try {
    await watch.create(PARTITIONS, {});
    say('Debezium finds its place');
    await connect.launch();
    // A row comes and goes, so that there is an offset to store.
    await connect.waitReady(async () =>
      (await connect.logs()).includes(`Connected to ${stack.mysql.host}:${stack.mysql.port}`),
    );
    await stack.mysql.execute(
      `INSERT INTO ${DATABASE}.${TABLE} (id) VALUES (2000000000); DELETE FROM ${DATABASE}.${TABLE}; ALTER TABLE ${DATABASE}.${TABLE} AUTO_INCREMENT = 1`,
    );
    await watch.until(3, aliveCheck(connect));
    await connect.stop();
    for (const file of ['offsets', 'history']) await cp(`${state}.${file}`, `${base}.${file}`);
  } finally {
    await watch[Symbol.asyncDispose]();
  }
  const restore = async (): Promise<void> => {
    for (const file of ['offsets', 'history']) {
      await rm(`${state}.${file}`, { force: true });
      await cp(`${base}.${file}`, `${state}.${file}`);
    }
  };
  return { measure: async (rows) => await measure(stack, { connect, topic, restore, rows }) };
}

async function measure(
  stack: PeerStack,
  {
    connect,
    topic,
    restore,
    rows,
  }: { connect: ManagedProcess; topic: string; restore: () => Promise<void>; rows: number },
): Promise<Measurement> {
  await restore();
  await using watch = await TopicWatch.open(stack.kafka.address.brokers, topic);
  const before = await watch.records();
  const others = new CpuMeter({ broker: stack.kafka.broker(1).process.pid, mysqld: stack.mysql.process.pid });
  const launched = performance.now();
  await connect.launch();
  const alive = aliveCheck(connect);
  await watch.until(before + 1, alive);
  const first = performance.now();
  await watch.until(before + rows, alive);
  const last = performance.now();
  const result: Measurement = {
    what: `Debezium ${DEBEZIUM_VERSION}, tuned`,
    rows,
    seconds: (last - first) / 1000,
    cpuSeconds: { connect: cpuSeconds(connect.pid), ...others.used() },
    peakRssMib: peakRssMib(connect.pid),
    figures: { startupSeconds: (first - launched) / 1000 },
  };
  await connect.stop();
  return result;
}
