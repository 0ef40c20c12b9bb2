import { TaplineError } from '@tapline/kernel';
import type { Change } from '@tapline/sink';
import { compileTemplate } from '../../../naming/template.ts';
import type { RedisConfig } from '../config.ts';

/** Where a row stands: which collection, as what, with which score or for how much. */
export interface Place {
  readonly collection: string;
  readonly member: string;
  readonly number: string;
}

const SCORE = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;
const AMOUNT = /^-?(0|[1-9]\d*)$/;

/**
 * Gives for each change the place of its row, undefined where it has none: it is deleted, or what its score or amount is made of is NULL.
 *
 * The function throws TaplineError SINK_REDIS_NUMBER for a score or an amount that is no number.
 */
export function placeOf(config: RedisConfig): (change: Change) => Place | undefined {
  const template = (path: 'collection' | 'member' | 'score' | 'amount', text: string, nullText: string) =>
    compileTemplate(text, { path: `sink.${path}`, row: true, nullText });
  const collection = template('collection', config.collection, config.nullText);
  const member = template('member', config.member === '' ? '${key}' : config.member, config.nullText);
  const path = config.as === 'sortedSet' ? 'score' : 'amount';
  const number = config.as === 'set' ? undefined : template(path, config[path], '');
  return (change) => {
    if (change.after === null) return undefined;
    const text = number?.(change);
    if (text === '') return undefined;
    if (text !== undefined) requireNumber(text, path, change);
    return { collection: collection(change), member: member(change), number: text ?? '' };
  };
}

function requireNumber(text: string, path: 'score' | 'amount', { topic }: Change): void {
  if (path === 'score' ? SCORE.test(text) : AMOUNT.test(text) && Number.isSafeInteger(Number(text))) return;
  const wanted = path === 'score' ? 'a number' : 'a whole number of up to 2^53';
  throw new TaplineError('SINK_REDIS_NUMBER', {
    message: `sink.${path} gives ${JSON.stringify(text.slice(0, 60))} for a row, which is not ${wanted}.`,
    place: { topic, path: `sink.${path}` },
  });
}
