import { type Logger, TaplineError } from '@tapline/kernel';
import type { ApplyResult, Change, Place, Places, Sink, Verdict } from '@tapline/sink';
import type { Failure, HandlerContext } from './changes.ts';
import { type RowName, rowName, type SeenStore } from './seen.ts';

export interface HandlerSinkOptions {
  readonly handle: (change: Change, context: HandlerContext) => Promise<void> | void;
  readonly onError: (error: unknown, change: Change) => Failure;
  readonly seen: SeenStore | undefined;
  readonly log: Logger;
}

/** Somebody's handler as a sink: one change after the other, the first that fails holds up those behind it. */
export class HandlerSink implements Sink {
  readonly #options: HandlerSinkOptions;

  constructor(options: HandlerSinkOptions) {
    this.#options = options;
  }

  async apply(changes: readonly Change[], signal: AbortSignal, places?: Places): Promise<ApplyResult> {
    signal.throwIfAborted();
    const rows = await this.#rows(changes, signal);
    const verdicts: Verdict[] = [];
    const errors = new Map<number, TaplineError>();
    try {
      for (const [index, change] of changes.entries()) {
        if (rows.isSeen(index, change)) verdicts.push('stale');
        else {
          const error = await this.#handle(change, { signal, place: placeOf(index, change, places) });
          if (error !== undefined) return held(changes, verdicts, error);
          rows.handled(index, change);
          verdicts.push('applied');
        }
        signal.throwIfAborted();
      }
    } finally {
      if (rows.versions.size > 0) await this.#options.seen?.handled(rows.versions);
    }
    return { verdicts, errors };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async #rows(changes: readonly Change[], signal: AbortSignal): Promise<SeenRows> {
    const { seen } = this.#options;
    if (seen === undefined) return new SeenRows([], new Map());
    const names = changes.map(rowName);
    const asked = [...new Set(names.filter((name) => name !== undefined))];
    const versions = await seen.versions(asked, signal);
    return new SeenRows(names, new Map(asked.map((name, index) => [name, versions[index] ?? -1n])));
  }

  /** Undefined when the change is done; what it is to wait or to stop for. */
  async #handle(change: Change, context: HandlerContext): Promise<TaplineError | undefined> {
    const { handle, onError, log } = this.#options;
    try {
      await handle(change, context);
      return undefined;
    } catch (error) {
      context.signal.throwIfAborted();
      const failure = onError(error, change);
      const { topic, partition, offset } = context.place;
      const place = { topic, partition, offset: String(offset) };
      if (failure === 'skip') log.warn('a change was skipped: its handler failed', { ...place, error });
      return failure === 'skip' ? undefined : failed(error, failure, place);
    }
  }
}

/** What is known of the rows of one call. */
class SeenRows {
  /** Of what was handled by this call. */
  readonly versions = new Map<RowName, bigint>();
  readonly #names: readonly (RowName | undefined)[];
  readonly #before: ReadonlyMap<RowName, bigint>;

  constructor(names: readonly (RowName | undefined)[], before: ReadonlyMap<RowName, bigint>) {
    this.#names = names;
    this.#before = before;
  }

  isSeen(index: number, { version }: Change): boolean {
    const name = this.#names[index];
    return name !== undefined && version <= (this.versions.get(name) ?? this.#before.get(name) ?? -1n);
  }

  handled(index: number, { version }: Change): void {
    const name = this.#names[index];
    if (name !== undefined) this.versions.set(name, version);
  }
}

/** The change that failed and those behind it: they may be of its key. */
function held(changes: readonly Change[], done: readonly Verdict[], error: TaplineError): ApplyResult {
  const first = error.disposition === 'retryable' ? 'retry' : 'poison';
  const verdicts = changes.map((_, index): Verdict => done[index] ?? (index === done.length ? first : 'retry'));
  const errors = new Map<number, TaplineError>();
  for (let index = done.length; index < changes.length; index++) errors.set(index, error);
  return { verdicts, errors };
}

function failed(cause: unknown, failure: Failure, place: Readonly<Record<string, unknown>>): TaplineError {
  const message = `The handler failed: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new TaplineError('CLIENT_HANDLER', {
    message,
    place: place as TaplineError['place'],
    disposition: failure === 'retry' ? 'retryable' : 'fatal',
    cause,
  });
}

function placeOf(index: number, { topic }: Change, places: Places | undefined): Place {
  return places?.at(index) ?? { topic, partition: -1, offset: -1 };
}
