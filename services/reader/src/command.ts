import { type ServiceCommand, serviceCommand } from '@tapline/kernel';
import { LiveConfig } from './captured/live-config.ts';
import { READER_CONFIG } from './config.ts';
import { READER_METRICS } from './metrics.ts';
import { Reader } from './reader.ts';

export const command: ServiceCommand = serviceCommand({
  name: 'reader',
  summary: 'Follows one source’s binlog and publishes its row changes to Kafka.',
  config: READER_CONFIG,
  metrics: [READER_METRICS],
  open: async ({ config, origin, log, metrics }) => {
    const ownLog = log.child({ source: config.name });
    return new Reader(new LiveConfig(config, origin, ownLog), ownLog, metrics);
  },
});
