import type { ValueOf } from '@tapline/kernel';
import { SEARCH_FIELDS } from '../../search/config.ts';

/** What may stand beside `sink: { type: opensearch }`. */
export const OPENSEARCH_CONFIG = {
  type: 'group',
  doc: 'OpenSearch: one document a row, with the row’s version as its external version.',
  fields: SEARCH_FIELDS as typeof SEARCH_FIELDS,
} as const;

export type OpensearchConfig = ValueOf<typeof OPENSEARCH_CONFIG>;
