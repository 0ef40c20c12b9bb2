import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { KafkaCluster, ManagedProcess, MysqlServer, StackBase } from '@tapline/test-stack';
import { type ConnectSettings, connectJars, createConnect, jsonConverters, offsetsFile } from './kafka-connect.ts';
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
const WORKER: ConnectSettings = {
  ...jsonConverters(false),
  'offset.flush.interval.ms': 1000,
  'producer.acks': 'all',
  'producer.batch.size': 524_288,
  'producer.linger.ms': 10,
  'producer.buffer.memory': 67_108_864,
  'producer.max.in.flight.requests.per.connection': 5,
  'producer.compression.type': 'lz4',
};

function connectorSettings(stack: PeerStack, history: string): ConnectSettings {
  const { host, port, user, password } = stack.mysql.readerAddress;
  return {
    'connector.class': 'io.debezium.connector.mysql.MySqlConnector',
    'tasks.max': 1,
    'database.hostname': host,
    'database.port': port,
    'database.user': user,
    'database.password': password,
    'database.server.id': 92_001,
    'topic.prefix': PREFIX,
    'database.include.list': DATABASE,
    'table.include.list': `${DATABASE}.${TABLE}`,
    'include.schema.changes': false,
    'snapshot.mode': 'no_data',
    'snapshot.locking.mode': 'none',
    'schema.history.internal': 'io.debezium.storage.file.history.FileSchemaHistory',
    'schema.history.internal.file.filename': history,
    'schema.history.internal.store.only.captured.tables.ddl': true,
    'max.batch.size': 8192,
    'max.queue.size': 32_768,
    'poll.interval.ms': 50,
  };
}

/** Fetches Debezium, starts it, lets it find its place, and stops it. The table must be there and empty. */
export async function prepareDebezium(stack: PeerStack, say: (line: string) => void): Promise<Debezium> {
  const jars = await connectJars(
    `debezium-${DEBEZIUM_VERSION}`,
    [`io.debezium:debezium-connector-mysql:${DEBEZIUM_VERSION}`],
    { version: DEBEZIUM_VERSION, say },
  );
  const history = join(stack.folder, 'debezium.history');
  const connect = await createConnect(stack, {
    name: PREFIX,
    jars,
    worker: WORKER,
    connector: connectorSettings(stack, history),
    logLevel: 'info',
  });
  const topic = `${PREFIX}.${DATABASE}.${TABLE}`;
  const watch = await TopicWatch.open(stack.kafka.address.brokers, topic);
  // Both are put back before each run.
  const state = [offsetsFile(stack, PREFIX), history];
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
    for (const file of state) await cp(file, `${file}.base`);
  } finally {
    await watch[Symbol.asyncDispose]();
  }
  const restore = async (): Promise<void> => {
    for (const file of state) {
      await rm(file, { force: true });
      await cp(`${file}.base`, file);
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
