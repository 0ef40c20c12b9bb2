import { TaplineError } from '@tapline/kernel';
import type { BesideContext, Exchange } from '@tapline/sink';
import type { WriterConfig } from '../config.ts';
import { sinkOf } from '../sinks/index.ts';

/** A target beside the writer's own. */
export interface SecondTarget {
  readonly sink: WriterConfig['sink'];
  readonly exchange: Exchange;
}

/** @throws TaplineError REPLAY_INTO, CONFIG_INVALID, and what the opening of the sink throws. */
export async function openSecondTarget(
  sink: WriterConfig['sink'],
  name: string,
  context: BesideContext,
): Promise<SecondTarget> {
  const { type, ...settings } = sink;
  const { beside } = sinkOf(type);
  if (beside === undefined) {
    throw new TaplineError('REPLAY_INTO', {
      message: `A second target beside the live one is not made for sinks of type ${type}.`,
      remedy:
        'Fill a second target by a writer with another `name` that writes there (a new writer begins at the start of the topics by itself), and lead readers to it.',
    });
  }
  const second = beside.config(settings, name);
  return { sink: { type, ...second } as WriterConfig['sink'], exchange: await beside.open(settings, name, context) };
}
