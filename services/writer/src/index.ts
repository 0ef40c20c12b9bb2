export { examine } from './examine.ts';

import { type ServiceCommand, serviceCommand } from '@tapline/kernel';
import { WRITER_CONFIG } from './config.ts';
import { WRITER_METRICS } from './metrics.ts';
import { openWriter } from './writer.ts';

/** `tapline writer`: topics → one sink. */
export const command: ServiceCommand = serviceCommand({
  name: 'writer',
  summary: 'Applies the changes of topics to one sink (Redis), in order, never backwards.',
  config: WRITER_CONFIG,
  metrics: [WRITER_METRICS],
  open: openWriter,
});
