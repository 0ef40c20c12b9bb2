import { backoffMs, isRetryable, sleep, TaplineError } from '@tapline/kernel';
import type { Change, Sink } from '@tapline/sink';
import type { WriterConfig } from '../config.ts';
import { deadLetterTopic } from '../dead-letters.ts';
import { changesOf } from '../pipeline.ts';
import { shownRow } from '../preview/shown.ts';
import { WriterTools } from '../tools.ts';
import type { Letter } from './letter.ts';
import { LetterBox } from './letter-box.ts';
import { superseded } from './superseded.ts';

/** Which letters are meant; all that are given must fit. */
export interface LetterFilter {
  readonly ids?: readonly string[];
  readonly topic?: string | undefined;
  readonly code?: string | undefined;
  /** As it is shown: `id=7`, or the values alone, `7`. */
  readonly key?: string | undefined;
}

/** A letter as it is shown. */
export interface ShownLetter {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** `id=7`; the bytes as text where the record cannot be read. */
  readonly key: string | null;
  readonly op: Change['op'] | null;
  readonly code: string;
  readonly message: string;
  readonly attempts: number;
  readonly parkedAt: string;
  readonly bytes: number;
}

/**
 * - `applied`: the sink has it now.
 * - `stale`: the sink has the row in this version or a newer one.
 * - `superseded`: a later change of the row stands in the topic.
 * - `filtered`: the transforms leave it out now.
 * - `kept`: it cannot be applied still.
 */
export type RetryOutcome = 'applied' | 'stale' | 'superseded' | 'filtered' | 'kept';

export interface Retried {
  readonly id: string;
  readonly outcome: RetryOutcome;
  readonly error?: { readonly code: string; readonly message: string };
}

const ATTEMPTS = 5;

/** What an operator does with a writer's dead letters. The writer may run meanwhile. */
export class LetterDesk implements AsyncDisposable {
  readonly #tools: WriterTools;
  readonly #box: LetterBox;
  readonly #signal: AbortSignal;

  private constructor(tools: WriterTools, box: LetterBox, signal: AbortSignal) {
    this.#tools = tools;
    this.#box = box;
    this.#signal = signal;
  }

  /** @param file the configuration's, from whose folder transform modules are found. */
  static async open(config: WriterConfig, file: string | undefined, signal: AbortSignal): Promise<LetterDesk> {
    const tools = await WriterTools.open(config, file, signal);
    return new LetterDesk(tools, new LetterBox(tools.kafka, deadLetterTopic(config).topic), signal);
  }

  async list(filter: LetterFilter): Promise<ShownLetter[]> {
    const found = await this.#find(filter);
    return found.map(({ shown }) => shown);
  }

  /** One letter with the record's rows as they are read, and its headers' rest. @throws TaplineError LETTER_UNKNOWN. */
  async show(id: string): Promise<Readonly<Record<string, unknown>>> {
    const [found] = await this.#find({ ids: [id] });
    const { letter, shown } = found as Found;
    const { key, value } = letter.record;
    const changes = await this.#read(letter);
    return {
      ...shown,
      timestamp: new Date(letter.record.timestampMs).toISOString(),
      ...(changes instanceof TaplineError
        ? { unreadable: `${changes.code}: ${changes.message}` }
        : { changes: changes.map((change) => shownChange(change)) }),
      keyBase64: key?.toString('base64') ?? null,
      valueBase64: value?.toString('base64') ?? null,
    };
  }

  /** Drops them without applying them. */
  async drop(filter: LetterFilter): Promise<string[]> {
    const found = await this.#find(filter);
    for (const { letter } of found) await this.#box.drop(letter);
    return found.map(({ letter }) => letter.id);
  }

  /** Gives each, in order, to the writer's own sink as the writer would, and drops those that are settled. */
  async retry(filter: LetterFilter, told: (retried: Retried) => void): Promise<Retried[]> {
    const letters = (await this.#find(filter)).map(({ letter }) => letter);
    if (letters.length === 0) return [];
    const old = await superseded(letters, this.#tools, this.#signal);
    const sink = await this.#tools.openSink(this.#signal);
    const results: Retried[] = [];
    for (const letter of letters) {
      const retried: Retried = old.has(letter)
        ? { id: letter.id, outcome: 'superseded' }
        : await this.#settle(letter, sink);
      if (retried.outcome !== 'kept') await this.#box.drop(letter);
      told(retried);
      results.push(retried);
    }
    return results;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#box[Symbol.asyncDispose]();
    await this.#tools[Symbol.asyncDispose]();
  }

  async #settle(letter: Letter, sink: Sink): Promise<Retried> {
    const { id } = letter;
    try {
      const changes = changesOf(await this.#tools.pipeline.decode(letter, letter.record));
      return { id, outcome: changes.length === 0 ? 'filtered' : await this.#apply(changes, sink) };
    } catch (error) {
      if (!(error instanceof TaplineError)) throw error;
      return { id, outcome: 'kept', error: { code: error.code, message: error.message } };
    }
  }

  /** @throws TaplineError why a change was not applied. */
  async #apply(changes: readonly Change[], sink: Sink): Promise<'applied' | 'stale'> {
    let left = changes;
    let applied = false;
    for (let attempt = 1; ; attempt++) {
      const { verdicts, errors } = await sink.apply(left, this.#signal);
      const poison = verdicts.indexOf('poison');
      const again = left.filter((_, index) => verdicts[index] === 'retry');
      applied ||= verdicts.includes('applied');
      if (poison >= 0) throw errors.get(poison) ?? unexplained();
      if (again.length === 0) return applied ? 'applied' : 'stale';
      const error = errors.get(verdicts.indexOf('retry')) ?? unexplained();
      if (attempt === ATTEMPTS || !isRetryable(error)) throw error;
      await sleep(backoffMs(attempt, { firstDelayMs: 100, maxDelayMs: 2000 }), this.#signal);
      left = again;
    }
  }

  async #find({ ids, topic, code, key }: LetterFilter): Promise<Found[]> {
    const letters = await this.#box.letters(this.#signal);
    for (const id of ids ?? []) {
      if (letters.some((letter) => letter.id === id)) continue;
      throw new TaplineError('LETTER_UNKNOWN', { message: `There is no dead letter ${JSON.stringify(id)}.` });
    }
    const found: Found[] = [];
    for (const letter of letters) {
      if (ids !== undefined && ids.length > 0 && !ids.includes(letter.id)) continue;
      if ((topic ?? letter.topic) !== letter.topic || (code ?? letter.code) !== letter.code) continue;
      const shown = await this.#shown(letter);
      if (key !== undefined && key !== shown.key && key !== valuesOf(shown.key)) continue;
      found.push({ letter, shown });
    }
    return found;
  }

  async #shown(letter: Letter): Promise<ShownLetter> {
    const { record, id, topic, partition, code, message, attempts, parkedAt } = letter;
    const changes = await this.#read(letter);
    const change = changes instanceof TaplineError ? undefined : changes[0];
    const key = change === undefined ? (record.key?.toString() ?? null) : change.key && keyText(change.key);
    const bytes = record.value?.length ?? 0;
    const offset = String(record.offset);
    return { id, topic, partition, offset, key, op: change?.op ?? null, code, message, attempts, parkedAt, bytes };
  }

  /** The record's changes before the transforms; why it cannot be read. */
  async #read(letter: Letter): Promise<readonly Change[] | TaplineError> {
    try {
      return changesOf(await this.#tools.pipeline.read(letter, letter.record));
    } catch (error) {
      if (error instanceof TaplineError) return error;
      throw error;
    }
  }
}

interface Found {
  readonly letter: Letter;
  readonly shown: ShownLetter;
}

function shownChange({ op, key, before, after, version, source }: Change): Readonly<Record<string, unknown>> {
  return {
    op,
    table: source === null ? null : `${source.db}.${source.table}`,
    version: String(version),
    key: shownRow(key),
    before: shownRow(before),
    after: shownRow(after),
  };
}

function keyText(key: NonNullable<Change['key']>): string {
  return Object.entries(shownRow(key) ?? {})
    .map(([column, value]) => `${column}=${String(value)}`)
    .join(',');
}

function valuesOf(key: string | null): string | undefined {
  return key?.replaceAll(/(^|,)[^,=]*=/g, '$1');
}

function unexplained(): TaplineError {
  return new TaplineError('INTERNAL', { message: 'The sink did not say why a change failed.' });
}
