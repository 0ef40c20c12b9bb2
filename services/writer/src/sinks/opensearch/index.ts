import type { SinkDefinition } from '@tapline/sink';
import { checkSearchConfig, SEARCH_TRAITS } from '../../search/check-config.ts';
import { besideSearch } from '../../search/exchange.ts';
import { previewSearch } from '../../search/preview.ts';
import { OPENSEARCH_CONFIG } from './config.ts';

/** Rows of a table as documents in OpenSearch. */
export const opensearchSink: SinkDefinition<typeof OPENSEARCH_CONFIG> = {
  type: 'opensearch',
  summary: 'OpenSearch: a document a row, in indexes with mappings made from the tables.',
  config: OPENSEARCH_CONFIG,
  traits: SEARCH_TRAITS,
  check: checkSearchConfig,
  preview: previewSearch,
  beside: {
    config: besideSearch,
    async open(config, name) {
      const [{ OpensearchClient }, { SearchExchange }] = await Promise.all([
        import('./client.ts'),
        import('../../search/exchange.ts'),
      ]);
      return new SearchExchange(new OpensearchClient(config), config, name);
    },
  },
  async open(config, context) {
    const [{ OpensearchClient }, { openSearchSink }] = await Promise.all([
      import('./client.ts'),
      import('../../search/sink.ts'),
    ]);
    const dialect = { flattened: 'flat_object' } as const;
    return openSearchSink({ client: new OpensearchClient(config), dialect, config, context });
  },
};
