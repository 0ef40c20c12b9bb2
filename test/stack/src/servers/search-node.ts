import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProcessServer, type StackContext } from '../context.ts';
import { findJava } from '../java.ts';

export interface SearchOptions {
  /** Name of the server, for several in one stack. */
  readonly name?: string;
  /** Further lines of the node's YAML file; a setting given here wins. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly heapMib?: number;
  /** The JVM may make its best code, which takes longer to start: for measurements. */
  readonly forSpeed?: boolean;
}

export interface SearchAddress {
  readonly url: string;
}

/** One node of Elasticsearch or OpenSearch: same API, same way to start, other jars. */
export class SearchServer extends ProcessServer {
  get address(): SearchAddress {
    return { url: `http://${this.host}:${this.port}` };
  }

  protected override async ready(): Promise<boolean> {
    const response = await fetch(`${this.address.url}/_cluster/health?wait_for_status=yellow&timeout=1s`, {
      signal: AbortSignal.timeout(10_000),
    });
    await response.arrayBuffer();
    return response.status === 200;
  }
}

/** What differs between the two. */
interface SearchDistribution {
  readonly kind: 'elasticsearch' | 'opensearch';
  readonly home: string;
  /** Arguments of Java: modules, class path, main class, and what stands between it and the folders. */
  readonly java: readonly string[];
  /** Arguments behind the folders. */
  readonly arguments: readonly string[];
}

const HEAP_MIB = 512;

const LOGGING = `rootLogger.level = info
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
`;

/** A node with its folders laid out; not started. */
export async function createSearchNode(
  context: StackContext,
  { kind, home, java: javaArguments, arguments: rest }: SearchDistribution,
  { name = kind, settings = {}, heapMib = HEAP_MIB, forSpeed = false }: SearchOptions,
): Promise<SearchServer> {
  const folder = await context.subfolder(name);
  const [config, data, logs, temporary] = await Promise.all(
    ['config', 'data', 'logs', 'tmp'].map((sub) => context.subfolder(join(name, sub))),
  );
  const [port = 0, transportPort = 0] = await context.reserve(2);
  const lines: Record<string, string> = {
    'cluster.name': 'tapline',
    'node.name': 'node',
    'network.host': '127.0.0.1',
    'http.port': String(port),
    'transport.port': String(transportPort),
    'discovery.type': 'single-node',
    'path.data': data ?? '',
    'path.logs': logs ?? '',
    // The disk of a test machine may be fuller than the watermarks like.
    'cluster.routing.allocation.disk.threshold_enabled': 'false',
    // With these off, its first look at the disks, half a minute after the start, takes away what a test has blocked for a full disk.
    'cluster.info.update.interval': '1d',
    ...settings,
  };
  const yaml = Object.entries(lines).map(([key, value]) => `${key}: ${value}\n`);
  await writeFile(join(config ?? '', `${kind}.yml`), yaml.join(''));
  await writeFile(join(config ?? '', 'log4j2.properties'), LOGGING);
  const { command } = await findJava();
  const process = context.process({
    name,
    command,
    args: [
      `-Xms${heapMib}m`,
      `-Xmx${heapMib}m`,
      // Half of the start is the compiler's work; a node of a test does not live long enough for its best code.
      ...(forSpeed ? ['-XX:+UseG1GC'] : ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']),
      `-Djava.io.tmpdir=${temporary ?? ''}`,
      '-Dlog4j2.disable.jmx=true',
      '-Dlog4j.shutdownHookEnabled=false',
      ...javaArguments,
      home,
      config ?? '',
      ...rest,
    ],
    cwd: folder,
    logFile: join(folder, 'server.log'),
  });
  return new SearchServer(name, port, process);
}

/** The launcher's source, compiled when the server's jars are fetched. */
export function launcherSource(mainClass: string): string {
  return join(import.meta.dirname, 'java', `${mainClass}.java`);
}
