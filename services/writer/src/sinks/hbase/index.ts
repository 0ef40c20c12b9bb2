import type { SinkDefinition } from '@tapline/sink';
import { checkConfig } from './check-config.ts';
import { HBASE_CONFIG } from './config.ts';
import { preview } from './preview.ts';

/** Rows of a table as rows in HBase. */
export const hbaseSink: SinkDefinition<typeof HBASE_CONFIG> = {
  type: 'hbase',
  summary:
    'HBase: rows with binary or text row keys, the version of a change as the timestamp of its cells; also as an archive.',
  config: HBASE_CONFIG,
  check: checkConfig,
  preview,
  async open(config, context) {
    const { HBaseSink } = await import('./sink.ts');
    return await HBaseSink.open(config, context);
  },
};
