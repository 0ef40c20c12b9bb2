import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { copyJars, findJava, type MysqlServer, provisionOnce } from '@tapline/test-stack';
import type { Measurement } from '../report.ts';
import { TABLE } from '../rows.ts';
import { measureGroup } from './progress.ts';
import type { ApplyRun, ApplyStack } from './store.ts';

/** Newer releases of the sink are on Maven Central without a part that they need. */
const VERSION = '3.5.0.Final';
/** Of eight partitions; more of them wait for the same two processors. */
const TASKS = 4;

/** Connect's own defaults would read 500 records at a time, and commit each minute. */
function workerProperties(brokers: readonly string[], port: number, offsets: string): string {
  return `bootstrap.servers=${brokers.join(',')}
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=true
value.converter.schemas.enable=true
offset.storage.file.filename=${offsets}
offset.flush.interval.ms=100
listeners=http://127.0.0.1:${port}
plugin.discovery=service_load
consumer.auto.offset.reset=earliest
consumer.max.poll.records=5000
consumer.max.partition.fetch.bytes=4194304
`;
}

/** Tuned as far as its documentation goes; without `rewriteBatchedStatements` the driver sends a statement a row. */
function connectorProperties(name: string, topic: string, server: MysqlServer, database: string): string {
  const { host, port, user, password } = server.address;
  return `name=${name}
connector.class=io.debezium.connector.jdbc.JdbcSinkConnector
tasks.max=${TASKS}
topics=${topic}
connection.url=jdbc:mysql://${host}:${port}/${database}?rewriteBatchedStatements=true&allowPublicKeyRetrieval=true&useSSL=false
connection.username=${user}
connection.password=${password}
collection.name.format=${TABLE}
insert.mode=upsert
delete.enabled=true
primary.key.mode=record_key
schema.evolution=none
batch.size=2000
`;
}

/** Fetched with Maven, once. @returns the folder of the jars. */
async function jdbcSinkJars(say: (line: string) => void): Promise<string> {
  const { folder } = await provisionOnce(
    `debezium-jdbc-${VERSION}`,
    async (into) =>
      await copyJars(
        [
          `io.debezium:debezium-connector-jdbc:${VERSION}`,
          `io.debezium:debezium-embedded:${VERSION}`,
          'com.mysql:mysql-connector-j:9.4.0',
          // Else an older API wins that finds no logger.
          'org.slf4j:slf4j-api:2.0.17',
          'org.slf4j:slf4j-simple:2.0.17',
        ],
        into,
        join(into, 'lib'),
      ),
    say,
  );
  return join(folder, 'lib');
}

/** Debezium's JDBC sink in Kafka Connect, on the writer's own topic, into a table of the same form that is empty. */
export async function measureDebeziumSink(
  stack: ApplyStack,
  {
    server,
    database,
    run,
    uncountedRows,
  }: { server: MysqlServer; database: string; run: ApplyRun; uncountedRows: number },
): Promise<Measurement> {
  const jars = await jdbcSinkJars(() => undefined);
  const { command } = await findJava();
  const [port = 0] = await stack.reserve(1);
  const name = `jdbc${run.run}`;
  const [worker, connector] = ['worker', 'connector'].map((file) => join(stack.folder, `${name}-${file}.properties`));
  await writeFile(worker as string, workerProperties(stack.kafka.address.brokers, port, `${worker}.offsets`));
  await writeFile(connector as string, connectorProperties(name, run.topic, server, database));
  const connect = stack.process({
    name,
    command,
    args: [
      ...['-Xms256m', '-Xmx2g', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'],
      ...['-cp', join(jars, '*'), 'org.apache.kafka.connect.cli.ConnectStandalone'],
      ...[worker as string, connector as string],
    ],
    logFile: join(stack.folder, `${name}.log`),
  });
  const measurement = await measureGroup(stack, {
    what: `Debezium's JDBC sink ${VERSION}, tuned`,
    consumer: connect,
    group: `connect-${name}`,
    servers: { mysql: server.process.pid },
    run,
    uncountedRows,
  });
  await connect.stop();
  return measurement;
}
