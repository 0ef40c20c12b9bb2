import type { SinkDefinition } from '@tapline/sink';
import { checkSearchConfig, SEARCH_TRAITS } from '../../search/check-config.ts';
import { besideSearch } from '../../search/exchange.ts';
import { previewSearch } from '../../search/preview.ts';
import { ELASTICSEARCH_CONFIG } from './config.ts';

/** Rows of a table as documents in Elasticsearch. */
export const elasticsearchSink: SinkDefinition<typeof ELASTICSEARCH_CONFIG> = {
  type: 'elasticsearch',
  summary: 'Elasticsearch: a document a row, in indexes with mappings made from the tables.',
  config: ELASTICSEARCH_CONFIG,
  traits: SEARCH_TRAITS,
  check: checkSearchConfig,
  preview: previewSearch,
  beside: {
    config: besideSearch,
    async open(config, name) {
      const [{ ElasticsearchClient }, { SearchExchange }] = await Promise.all([
        import('./client.ts'),
        import('../../search/exchange.ts'),
      ]);
      return new SearchExchange(new ElasticsearchClient(config), config, name);
    },
  },
  async open(config, context) {
    const [{ ElasticsearchClient }, { openSearchSink }] = await Promise.all([
      import('./client.ts'),
      import('../../search/sink.ts'),
    ]);
    const dialect = { flattened: 'flattened' } as const;
    return openSearchSink({ client: new ElasticsearchClient(config), dialect, config, context });
  },
};
