import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { provisionOnce } from '../cache.ts';
import { archiveClasses, mapClasses } from '../class-archive.ts';
import { runCommand } from '../command.ts';
import { ProcessServer, type StackContext } from '../context.ts';
import { copyJars, findJava, type Java } from '../java.ts';
import { probeTcp } from '../probe.ts';
import type { ManagedProcess } from '../process.ts';

export const KAFKA_VERSION = '4.3.1';
const CLUSTER_ID = 'dGFwbGluZS10ZXN0LXN0Yw';
const HEAP_MIB = 256;
/** More than half of what a broker of a test takes would be the compiler's work; it does not live long enough for its best code. */
const QUICK_START = '-XX:TieredStopAtLevel=1';

export interface KafkaOptions {
  /** 1 or 3. Topics get that replication factor by default; with 3, min.insync.replicas is 2. */
  readonly brokers?: number;
  /** Further lines of server.properties; a setting given here wins. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Of each broker. The default is enough for some thousand partitions. */
  readonly heapMib?: number;
  /** The JVM may make its best code, which takes longer to start: for measurements. */
  readonly forSpeed?: boolean;
  /** Where clients that are not on this machine's loopback find the brokers, which then listen on all of its addresses. */
  readonly advertisedHost?: string;
}

export interface KafkaAddress {
  /** host:port of each broker. */
  readonly brokers: readonly string[];
}

export class KafkaBroker extends ProcessServer {
  readonly id: number;
  #logMark = 0;

  constructor(id: number, port: number, process: ManagedProcess) {
    super(`kafka-${id}`, port, process);
    this.id = id;
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  override async start(): Promise<void> {
    this.#logMark = (await this.process.logs(Number.MAX_SAFE_INTEGER)).length;
    await super.start();
  }

  protected override async ready(): Promise<boolean> {
    // The port opens before the broker is unfenced; its own line in the log comes after.
    const fresh = (await this.process.logs(Number.MAX_SAFE_INTEGER)).slice(this.#logMark);
    return fresh.includes('Kafka Server started') && (await probeTcp(this.port));
  }
}

/** One or three brokers, each also a controller (KRaft). */
export class KafkaCluster implements AsyncDisposable {
  readonly brokers: readonly KafkaBroker[];
  readonly name = 'kafka';

  constructor(brokers: readonly KafkaBroker[]) {
    this.brokers = brokers;
  }

  get address(): KafkaAddress {
    return { brokers: this.brokers.map((broker) => broker.address) };
  }

  /** Broker with this node id (1, 2, 3). */
  broker(id: number): KafkaBroker {
    const found = this.brokers.find((candidate) => candidate.id === id);
    if (!found) throw new RangeError(`no broker ${id}`);
    return found;
  }

  async start(): Promise<void> {
    await each(this.brokers, (broker) => broker.start());
  }

  async stop(): Promise<void> {
    // Together: a last controller left alone would wait for a quorum that is gone.
    await each(this.brokers, (broker) => broker.stop());
  }

  async kill(): Promise<void> {
    await each(this.brokers, (broker) => broker.kill());
  }

  pause(): void {
    for (const broker of this.brokers) broker.pause();
  }

  resume(): void {
    for (const broker of this.brokers) broker.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

async function each(servers: readonly KafkaBroker[], action: (server: KafkaBroker) => Promise<void>): Promise<void> {
  await Promise.all(servers.map(action));
}

/** Folder whose `libs` has the jars of the broker and of its tools. */
export async function kafkaHome(say?: (line: string) => void): Promise<string> {
  const { folder } = await provisionOnce(
    `kafka-${KAFKA_VERSION}`,
    async (into) =>
      await copyJars(
        [
          `org.apache.kafka:kafka_2.13:${KAFKA_VERSION}`,
          `org.apache.kafka:kafka-tools:${KAFKA_VERSION}`,
          'org.apache.logging.log4j:log4j-slf4j-impl:2.25.4',
        ],
        into,
        join(into, 'libs'),
      ),
    say,
  );
  return folder;
}

const LOGGING = `rootLogger.level=INFO
rootLogger.appenderRefs=out
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=[%d] %p %m (%c)%n
`;

interface BrokerPlace {
  readonly id: number;
  readonly folder: string;
  readonly port: number;
  readonly controllerPort: number;
  readonly advertisedHost?: string | undefined;
}

function brokerSettings(
  place: BrokerPlace,
  voters: string,
  count: number,
  extra: Readonly<Record<string, string>>,
): string {
  const inSync = String(count >= 3 ? 2 : 1);
  const { advertisedHost } = place;
  const settings: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(place.id),
    'controller.quorum.voters': voters,
    listeners: `PLAINTEXT://${advertisedHost === undefined ? '127.0.0.1' : '0.0.0.0'}:${place.port},CONTROLLER://127.0.0.1:${place.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${advertisedHost ?? '127.0.0.1'}:${place.port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(place.folder, 'data'),
    'auto.create.topics.enable': 'false',
    'num.partitions': '1',
    'default.replication.factor': String(count),
    'min.insync.replicas': inSync,
    'unclean.leader.election.enable': 'false',
    'offsets.topic.replication.factor': String(count),
    'offsets.topic.num.partitions': '8',
    'transaction.state.log.replication.factor': String(count),
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': '8',
    'share.coordinator.state.topic.replication.factor': String(count),
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'log.cleaner.dedupe.buffer.size': '8388608',
    'log.cleaner.io.buffer.size': '131072',
    // A broker that is killed and started again waits for its old session to end: 9 s by default.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'num.recovery.threads.per.data.dir': '1',
    ...extra,
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/**
 * Formatting a data folder takes a whole JVM start, so it is done once per node id and kept: what it writes depends on the
 * cluster id, the node id and Kafka's version only.
 */
async function formattedFolder(home: string, java: Java, id: number): Promise<string> {
  const { folder } = await provisionOnce(`kafka-${KAFKA_VERSION}-node-${id}`, async (into) => {
    const work = `${into}-work`;
    await mkdir(work, { recursive: true });
    const place = { id, folder: work, port: 9092, controllerPort: 9093 };
    await writeFile(join(work, 'server.properties'), brokerSettings(place, `${id}@127.0.0.1:9093`, 1, {}));
    await writeFile(join(work, 'log4j2.properties'), LOGGING);
    const jvm = [
      '-Xmx128m',
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      `-Dlog4j2.configurationFile=${join(work, 'log4j2.properties')}`,
    ];
    const format = ['format', '-t', CLUSTER_ID, '-c', join(work, 'server.properties'), '--ignore-formatted'];
    await runCommand(java.command, [...jvm, '-cp', `${home}/libs/*`, 'kafka.tools.StorageTool', ...format], {
      package: 'openjdk-17-jre-headless',
    });
    await cp(join(work, 'data'), join(into, 'data'), { recursive: true });
    await rm(work, { recursive: true, force: true });
    return [`kafka ${KAFKA_VERSION}`];
  });
  return join(folder, 'data');
}

async function createBroker(
  context: StackContext,
  place: BrokerPlace,
  settings: string,
  { heapMib, jvm }: { readonly heapMib: number; readonly jvm: readonly string[] },
): Promise<KafkaBroker> {
  const home = await kafkaHome(context.say);
  const java = await findJava();
  await cp(await formattedFolder(home, java, place.id), join(place.folder, 'data'), { recursive: true });
  await writeFile(join(place.folder, 'server.properties'), settings);
  await writeFile(join(place.folder, 'log4j2.properties'), LOGGING);
  const process = context.process({
    name: `kafka-${place.id}`,
    command: java.command,
    args: [
      ...jvm,
      `-Xms${heapMib}m`,
      `-Xmx${heapMib}m`,
      '-XX:+UseG1GC',
      `-Dlog4j2.configurationFile=${join(place.folder, 'log4j2.properties')}`,
      '-cp',
      `${home}/libs/*`,
      'kafka.Kafka',
      join(place.folder, 'server.properties'),
    ],
    cwd: place.folder,
    logFile: join(place.folder, 'server.log'),
  });
  return new KafkaBroker(place.id, place.port, process);
}

const classArchive = (home: string, java: Java): string => join(home, `classes-${java.release}.jsa`);

/** Brokers with their data folders formatted; not started. */
export async function createKafka(context: StackContext, options: KafkaOptions = {}): Promise<KafkaCluster> {
  const archive = classArchive(await kafkaHome(context.say), await findJava());
  await archiveClasses(archive, async (jvm) => (await layOut(context, {}, 'kafka-classes', jvm)).broker(1));
  const code = options.forSpeed === true ? [] : [QUICK_START];
  return await layOut(context, options, 'kafka', [...mapClasses(archive), ...code]);
}

async function layOut(
  context: StackContext,
  options: KafkaOptions,
  folderName: string,
  jvm: readonly string[],
): Promise<KafkaCluster> {
  const count = options.brokers ?? 1;
  const ports = await context.reserve(count * 2);
  const places: BrokerPlace[] = [];
  for (let index = 0; index < count; index++) {
    const id = index + 1;
    const folder = await context.subfolder(`${folderName}-${id}`);
    const [port = 0, controllerPort = 0] = ports.slice(index * 2);
    places.push({ id, folder, port, controllerPort, advertisedHost: options.advertisedHost });
  }
  const voters = places.map((place) => `${place.id}@127.0.0.1:${place.controllerPort}`).join(',');
  const brokers: KafkaBroker[] = [];
  for (const place of places) {
    const settings = brokerSettings(place, voters, count, options.settings ?? {});
    brokers.push(await createBroker(context, place, settings, { heapMib: options.heapMib ?? HEAP_MIB, jvm }));
  }
  return new KafkaCluster(brokers);
}
