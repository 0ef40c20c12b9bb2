import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { provisionOnce } from '../cache.ts';
import type { StackContext } from '../context.ts';
import { compileJava, copyJars, unpackArtifact } from '../java.ts';
import { createSearchNode, launcherSource, type SearchOptions, type SearchServer } from './search-node.ts';

/**
 * The last line that runs on Java 17, which Kafka needs anyway; 9.x asks for 21. Maven has the server and its HTTP transport but none of the modules
 * of the distribution: no painless, no reindex, no geo_shape, scaled_float and unsigned_long, and no `GET /`. OpenSearch's artifacts have those.
 */
const ELASTICSEARCH_VERSION = '8.19.21';

const MAIN_CLASS = 'ElasticsearchNode';
/** What the transport module brings along; it is loaded as a module of the node, apart from the server's own jars. */
const TRANSPORT_JAR = /^(netty-|transport-netty4-|elasticsearch-ssl-config-)/;

async function provision(into: string): Promise<readonly string[]> {
  const libraries = join(into, 'lib');
  const transport = join(into, 'modules', 'transport-netty4');
  const jars = await copyJars(
    [
      `org.elasticsearch:elasticsearch:${ELASTICSEARCH_VERSION}`,
      `org.elasticsearch.plugin:transport-netty4:${ELASTICSEARCH_VERSION}`,
    ],
    into,
    libraries,
  );
  await mkdir(transport, { recursive: true });
  await mkdir(join(into, 'plugins'));
  for (const jar of jars.filter((name) => TRANSPORT_JAR.test(name))) {
    await rename(join(libraries, jar), join(transport, jar));
  }
  await unpackDescriptor(into, transport);
  await compileJava(launcherSource(MAIN_CLASS), [libraries], join(into, 'classes'));
  return jars;
}

/** A module's descriptor stands beside its jars; the published artifact carries it inside. */
async function unpackDescriptor(into: string, transport: string): Promise<void> {
  const unpacked = join(into, 'unpacked');
  await unpackArtifact(`org.elasticsearch.plugin:transport-netty4:${ELASTICSEARCH_VERSION}:jar`, unpacked);
  const inside = join(unpacked, 'META-INF/es-plugins/transport-netty4');
  for (const name of await readdir(inside)) await rename(join(inside, name), join(transport, name));
  await rm(unpacked, { recursive: true });
}

/** One node of Elasticsearch, not started. */
export async function createElasticsearch(context: StackContext, options: SearchOptions = {}): Promise<SearchServer> {
  const { folder: home } = await provisionOnce(`elasticsearch-${ELASTICSEARCH_VERSION}`, provision, context.say);
  const java = [
    ...['--module-path', join(home, 'lib')],
    ...['--add-modules', 'org.elasticsearch.server,jdk.net,ALL-MODULE-PATH'],
    `-Des.path.home=${home}`,
    ...['-cp', join(home, 'classes'), MAIN_CLASS],
  ];
  return await createSearchNode(context, { kind: 'elasticsearch', home, java, arguments: [] }, options);
}
