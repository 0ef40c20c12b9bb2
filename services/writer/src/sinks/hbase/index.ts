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
  // The more rows a call has, the less each costs the server.
  traits: { order: 'key', batch: { maxChanges: 2000, maxBytes: 4_194_304, bufferBytes: 4_194_304 } },
  check: checkConfig,
  preview,
  async open(config, context) {
    const { HBaseSink } = await import('./sink.ts');
    return await HBaseSink.open(config, context);
  },
};
