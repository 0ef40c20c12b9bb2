import { type ServiceCommand, serviceCommand } from '@tapline/kernel';
import { ENGINE_METRICS } from '@tapline/sink';
import { WRITER_CONFIG } from './config.ts';
import { SINKS } from './sinks/index.ts';
import { compileTransforms } from './transform/index.ts';
import { openWriter } from './writer.ts';

export { examine } from './examine.ts';

/** `tapline writer`: topics → one sink. */
export const command: ServiceCommand = serviceCommand({
  name: 'writer',
  summary: 'Applies the changes of topics to one sink (Redis), in order, never backwards.',
  config: WRITER_CONFIG,
  metrics: [ENGINE_METRICS],
  check: ({ sink: { type, ...settings }, transform, maskSecret }) => {
    SINKS[type].check?.(settings);
    compileTransforms(transform, { secret: maskSecret ?? '' });
  },
  open: openWriter,
});
