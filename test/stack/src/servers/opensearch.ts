import { join } from 'node:path';
import { provisionOnce } from '../cache.ts';
import type { StackContext } from '../context.ts';
import { compileJava, copyJars } from '../java.ts';
import { createSearchNode, launcherSource, type SearchOptions, type SearchServer } from './search-node.ts';

/** The last line that runs on Java 17, which Kafka needs anyway; 3.x asks for 21. The plugin with geo_shape is not published. */
const OPENSEARCH_VERSION = '2.19.3';

const MAIN_CLASS = 'OpenSearchNode';
const PLUGINS = [
  'org.opensearch.transport.Netty4Plugin',
  'org.opensearch.index.reindex.ReindexPlugin',
  'org.opensearch.painless.PainlessPlugin',
  'org.opensearch.index.mapper.MapperExtrasPlugin',
];

async function provision(into: string): Promise<readonly string[]> {
  const libraries = join(into, 'lib');
  const jars = await copyJars(
    [
      `org.opensearch:opensearch:${OPENSEARCH_VERSION}`,
      ...['transport-netty4-client', 'reindex-client', 'lang-painless', 'mapper-extras-client'].map(
        (plugin) => `org.opensearch.plugin:${plugin}:${OPENSEARCH_VERSION}`,
      ),
      'org.apache.logging.log4j:log4j-core:2.21.0',
      'org.apache.logging.log4j:log4j-jul:2.21.0',
      'net.java.dev.jna:jna:5.13.0',
    ],
    into,
    libraries,
  );
  await compileJava(launcherSource(MAIN_CLASS), [libraries], join(into, 'classes'));
  return jars;
}

/** One node of OpenSearch, not started. */
export async function createOpensearch(context: StackContext, options: SearchOptions = {}): Promise<SearchServer> {
  const { folder: home } = await provisionOnce(`opensearch-${OPENSEARCH_VERSION}`, provision, context.say);
  const java = ['-cp', `${join(home, 'classes')}:${join(home, 'lib')}/*`, MAIN_CLASS];
  return await createSearchNode(context, { kind: 'opensearch', home, java, arguments: PLUGINS }, options);
}
