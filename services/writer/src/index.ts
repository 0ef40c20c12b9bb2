import { type ServiceCommand, serviceCommand } from '@tapline/kernel';
import { ENGINE_METRICS } from '@tapline/sink';
import { WRITER_CONFIG } from './config.ts';
import { openLiveWriter } from './live-writer.ts';
import { DRY_RUN, DRY_RUN_HELP, dryRun } from './preview/command.ts';
import { sinkOf } from './sinks/index.ts';
import { topicsOf } from './topics.ts';
import { compileTransforms } from './transform/index.ts';

export type { WriterConfig } from './config.ts';
export { examine } from './examine.ts';
export { LetterDesk, type LetterFilter, type Retried, type ShownLetter } from './letters/desk.ts';
export {
  Replay,
  type ReplayOptions,
  type ReplayPlan,
  type ReplayProgress,
  type ReplayResult,
} from './replay/replay.ts';

const service: ServiceCommand = serviceCommand({
  name: 'writer',
  summary: 'Applies the changes of topics to one sink (Redis), in order, never backwards.',
  config: WRITER_CONFIG,
  metrics: [ENGINE_METRICS],
  check: ({ source, sink: { type, ...settings }, transform, maskSecret }) => {
    sinkOf(type).check?.(settings);
    topicsOf(source.topics);
    compileTransforms(transform, { secret: maskSecret ?? '' });
  },
  open: (context, stop) => openLiveWriter(context, stop),
});

/** `tapline writer`: topics → one sink. */
export const command: ServiceCommand = {
  ...service,
  async run(args, env = process.env) {
    if (args.includes(DRY_RUN)) return await dryRun(service.load, args, env);
    const code = await service.run(args, env);
    if (args.includes('--help') || args.includes('-h')) process.stdout.write(DRY_RUN_HELP);
    return code;
  },
};
