import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { provisionOnce } from '../cache.ts';
import { archiveClasses, mapClasses } from '../class-archive.ts';
import { ProcessServer, type StackContext } from '../context.ts';
import { copyJars, findJava } from '../java.ts';
import { probeTcp } from '../probe.ts';
import type { ManagedProcess } from '../process.ts';
import { HBASE_JARS, HBASE_VERSION } from './hbase-jars.ts';

const HEAP_MIB = 384;
/** A server of a test does not live long enough for the compiler's best code. */
const QUICK_START = '-XX:TieredStopAtLevel=1';

/** HBase on a newer Java needs to reach into these packages (bin/hbase of its distribution opens the same). */
const OPENED = [
  'java.base/java.lang',
  'java.base/java.lang.reflect',
  'java.base/java.nio',
  'java.base/java.util',
  'java.base/java.util.concurrent',
  'java.base/jdk.internal.ref',
  'java.base/sun.nio.ch',
];
const EXPORTED = ['java.base/jdk.internal.misc', 'java.security.jgss/sun.security.krb5'];

/** Further properties, as hbase-site.xml has them; a property given here wins. */
export type HBaseSettings = Readonly<Record<string, string>>;

export interface HBaseOptions {
  readonly settings?: HBaseSettings;
  readonly heapMib?: number;
  /** The JVM may make its best code, which takes longer to start: for measurements. */
  readonly forSpeed?: boolean;
}

export interface HBaseAddress {
  /** host:port of the master, where clients begin. */
  readonly master: string;
  /** host:port of the region server. */
  readonly regionServer: string;
}

/** A master, a region server and ZooKeeper in one process, with the data folder on the local disk. */
export class HBaseServer extends ProcessServer {
  /** The folder of its jars, which are a client's too. */
  readonly libraries: string;
  readonly #regionServerPort: number;
  #logMark = 0;

  constructor(ports: Pick<Ports, 'master' | 'regionServer'>, process: ManagedProcess, libraries: string) {
    super(process.spec.name, ports.master, process);
    this.libraries = libraries;
    this.#regionServerPort = ports.regionServer;
  }

  get address(): HBaseAddress {
    return { master: `${this.host}:${this.port}`, regionServer: `${this.host}:${this.#regionServerPort}` };
  }

  override async start(): Promise<void> {
    this.#logMark = (await this.process.logs(Number.MAX_SAFE_INTEGER)).length;
    await super.start();
  }

  protected override async ready(): Promise<boolean> {
    // The port opens long before tables can be made.
    const fresh = (await this.process.logs(Number.MAX_SAFE_INTEGER)).slice(this.#logMark);
    return fresh.includes('Master has completed initialization') && (await probeTcp(this.port));
  }
}

async function hbaseHome(context: StackContext): Promise<string> {
  const { folder } = await provisionOnce(
    `hbase-${HBASE_VERSION}`,
    async (into) => await copyJars(HBASE_JARS, into, join(into, 'libs'), { alone: true }),
    context.say,
  );
  return folder;
}

interface Ports {
  readonly master: number;
  readonly regionServer: number;
  readonly zookeeper: number;
}

function siteSettings(folder: string, ports: Ports, extra: HBaseSettings): HBaseSettings {
  return {
    'hbase.rootdir': `file://${folder}/data`,
    'hbase.tmp.dir': `${folder}/tmp`,
    'hbase.cluster.distributed': 'false',
    'hbase.unsafe.stream.capability.enforce': 'false',
    'hbase.wal.provider': 'filesystem',
    'hbase.zookeeper.quorum': '127.0.0.1',
    'hbase.zookeeper.property.clientPort': String(ports.zookeeper),
    'hbase.zookeeper.property.clientPortAddress': '127.0.0.1',
    'hbase.zookeeper.property.dataDir': `${folder}/zk`,
    // A machine that is busy with other tests must not look dead: a session that expires ends the region server.
    'hbase.zookeeper.property.tickTime': '6000',
    'zookeeper.session.timeout': '120000',
    'hbase.zookeeper.property.maxSessionTimeout': '120000',
    'hbase.master.ipc.address': '127.0.0.1',
    'hbase.regionserver.ipc.address': '127.0.0.1',
    'hbase.master.hostname': '127.0.0.1',
    'hbase.unsafe.regionserver.hostname': '127.0.0.1',
    'hbase.master.port': String(ports.master),
    'hbase.regionserver.port': String(ports.regionServer),
    'hbase.localcluster.assign.random.ports': 'false',
    'hbase.master.info.port': '-1',
    'hbase.regionserver.info.port': '-1',
    'hbase.master.wait.on.regionservers.interval': '50',
    'hbase.master.wait.on.regionservers.timeout': '500',
    'hbase.master.wait.on.regionservers.maxtostart': '1',
    'hbase.regionserver.msginterval': '200',
    'hbase.regionserver.handler.count': '10',
    'hbase.client.pause': '50',
    ...extra,
  };
}

const LOGGING = `log4j.rootLogger=WARN,out
log4j.logger.org.apache.hadoop.hbase.master.HMaster=INFO
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=[%d{ISO8601}] %p %.1000m (%c{2})%n
`;

/** One HBase with an empty data folder of its own; not started. */
export async function createHBase(
  context: StackContext,
  { settings = {}, heapMib = HEAP_MIB, forSpeed = false }: HBaseOptions = {},
): Promise<HBaseServer> {
  const archive = await classArchive(context);
  const forClasses = ['-Xms128m', `-Xmx${HEAP_MIB}m`, QUICK_START];
  await archiveClasses(archive, (options) =>
    layOut(context, { name: 'hbase-classes', options: [...options, ...forClasses], settings: {} }),
  );
  const options = [...mapClasses(archive), '-Xms128m', `-Xmx${heapMib}m`, ...(forSpeed ? [] : [QUICK_START])];
  return await layOut(context, { name: 'hbase', options, settings });
}

async function classArchive(context: StackContext): Promise<string> {
  return join(await hbaseHome(context), `classes-${(await findJava()).release}.jsa`);
}

interface Layout {
  readonly name: string;
  readonly options: readonly string[];
  readonly settings: HBaseSettings;
}

async function layOut(context: StackContext, { name, options, settings }: Layout): Promise<HBaseServer> {
  const home = await hbaseHome(context);
  const folder = await context.subfolder(name);
  const [master = 0, regionServer = 0, zookeeper = 0] = await context.reserve(3);
  await mkdir(join(folder, 'tmp'), { recursive: true });
  await writeFile(join(folder, 'log4j.properties'), LOGGING);
  const site = siteSettings(folder, { master, regionServer, zookeeper }, settings);
  const process = await serverProcess(context, { name, home, folder, options, site });
  return new HBaseServer({ master, regionServer }, process, join(home, 'libs'));
}

interface Start {
  readonly name: string;
  readonly home: string;
  readonly folder: string;
  readonly options: readonly string[];
  readonly site: HBaseSettings;
}

async function serverProcess(
  context: StackContext,
  { name, home, folder, options, site }: Start,
): Promise<ManagedProcess> {
  const java = await findJava();
  return context.process({
    name,
    command: java.command,
    args: [
      ...options,
      '-XX:+UseSerialGC',
      '-Djava.net.preferIPv4Stack=true',
      '-Dorg.apache.hbase.thirdparty.io.netty.tryReflectionSetAccessible=true',
      `-Djava.io.tmpdir=${join(folder, 'tmp')}`,
      `-Dlog4j.configuration=file:${join(folder, 'log4j.properties')}`,
      ...OPENED.flatMap((one) => ['--add-opens', `${one}=ALL-UNNAMED`]),
      ...EXPORTED.flatMap((one) => ['--add-exports', `${one}=ALL-UNNAMED`]),
      '-cp',
      // Jars only, and the settings on the command line: a class path with a folder of files in it cannot be archived.
      `${home}/libs/*`,
      'org.apache.hadoop.hbase.master.HMaster',
      ...Object.entries(site).flatMap(([property, value]) => ['-D', `${property}=${value}`]),
      'start',
    ],
    cwd: folder,
    logFile: join(folder, 'server.log'),
  });
}
