import type { ValueOf } from '@tapline/kernel';
import { SEARCH_FIELDS } from '../../search/config.ts';

/** What may stand beside `sink: { type: elasticsearch }`. */
export const ELASTICSEARCH_CONFIG = {
  type: 'group',
  doc: 'Elasticsearch 7 to 9: one document a row, with the row’s version as its external version.',
  fields: {
    ...(SEARCH_FIELDS as typeof SEARCH_FIELDS),
    apiKey: {
      type: 'text',
      doc: 'API key (base64 of `id:key`), in place of user and password.',
      secret: true,
      optional: true,
    },
  },
} as const;

export type ElasticsearchConfig = ValueOf<typeof ELASTICSEARCH_CONFIG>;
