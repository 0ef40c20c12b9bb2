import type { MysqlServer } from '@tapline/test-stack';
import { type ConnectSettings, connectJars, createConnect, forBoth, jsonConverters } from '../kafka-connect.ts';
import { TABLE } from '../rows.ts';
import type { ApplyRun, ApplyStack, Consumer } from './store.ts';

/** Newer releases of the sink are on Maven Central without a part that they need. */
const VERSION = '3.5.0.Final';
/** What is measured. */
export const DEBEZIUM_SINK = `Debezium's JDBC sink ${VERSION}, tuned`;
/** Of the registry in test/stack; Confluent's converter is not on Maven Central. */
const CONVERTER_VERSION = '2.6.13.Final';
/** Of eight partitions; more of them wait for the same two processors. */
const TASKS = 4;

/** Connect's own defaults would read 500 records at a time, and commit each minute. */
const WORKER: ConnectSettings = {
  'offset.flush.interval.ms': 100,
  'consumer.auto.offset.reset': 'earliest',
  'consumer.max.poll.records': 5000,
  'consumer.max.partition.fetch.bytes': 4_194_304,
};

/** Values as Confluent frames them: a zero byte and the schema's id in four bytes. */
function avroConverters(registry: string): ConnectSettings {
  return forBoth({
    '': 'io.apicurio.registry.utils.converter.AvroConverter',
    'apicurio.registry.url': registry,
    'apicurio.registry.as-confluent': true,
    'apicurio.registry.use-id': 'contentId',
  });
}

/** Tuned as far as its documentation goes; without `rewriteBatchedStatements` the driver sends a statement a row. */
function connectorSettings(topic: string, server: MysqlServer, database: string): ConnectSettings {
  const { host, port, user, password } = server.address;
  return {
    'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
    'tasks.max': TASKS,
    topics: topic,
    'connection.url': `jdbc:mysql://${host}:${port}/${database}?rewriteBatchedStatements=true&allowPublicKeyRetrieval=true&useSSL=false`,
    'connection.username': user,
    'connection.password': password,
    'collection.name.format': TABLE,
    'insert.mode': 'upsert',
    'delete.enabled': true,
    'primary.key.mode': 'record_key',
    'schema.evolution': 'none',
    'batch.size': 2000,
  };
}

/** Debezium's JDBC sink in Kafka Connect, on the writer's own topic, into a table of the same form; not launched yet. */
export async function createDebeziumSink(
  stack: ApplyStack,
  { server, database, run }: { server: MysqlServer; database: string; run: ApplyRun },
): Promise<Consumer> {
  const jars = await connectJars(
    `debezium-jdbc-${VERSION}-apicurio-${CONVERTER_VERSION}`,
    [
      `io.debezium:debezium-connector-jdbc:${VERSION}`,
      'com.mysql:mysql-connector-j:9.4.0',
      `io.apicurio:apicurio-registry-utils-converter:${CONVERTER_VERSION}`,
    ],
    { version: VERSION },
  );
  const name = `jdbc${run.run}`;
  const { registry } = run;
  const converters = registry === undefined ? jsonConverters(true) : avroConverters(registry.ownUrl);
  const process = await createConnect(stack, {
    name,
    jars,
    worker: { ...converters, ...WORKER },
    connector: connectorSettings(run.topic, server, database),
    logLevel: 'warn',
  });
  return { process, group: `connect-${name}` };
}
