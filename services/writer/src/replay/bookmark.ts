import { type GroupOffsets, partitionName } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import type { Range } from './range.ts';

/** A replay that was begun and not finished. */
export interface Unfinished {
  /** As it was asked for, for people. */
  readonly asked: string;
  readonly ranges: readonly Range[];
}

/** What stands beside the offset of a partition. */
interface Note {
  readonly from: string;
  readonly to: string;
  readonly asked: string;
}

/**
 * How far a replay has come, kept as the offsets of a consumer group of its own, `<writer>.replay.<id>`, that never has members. Beside each offset stands the range that
 * was asked for, so that who goes on with it needs nothing else. The group is there as long as the replay is not finished.
 */
export class Bookmark {
  readonly #offsets: GroupOffsets;
  readonly #signal: AbortSignal;
  #notes: ReadonlyMap<string, string> = new Map();

  constructor(offsets: GroupOffsets, signal: AbortSignal) {
    this.#offsets = offsets;
    this.#signal = signal;
  }

  get group(): string {
    return this.#offsets.group;
  }

  /** undefined: nothing is unfinished. @throws TaplineError REPLAY_BOOKMARK: the group is somebody else's. */
  async find(): Promise<Unfinished | undefined> {
    const stored = await this.#offsets.stored(this.#signal);
    if (stored.length === 0) return undefined;
    const noted = stored.map(({ topic, partition, offset, note }) => {
      const { from, to, asked } = this.#read(note);
      return { range: { topic, partition, from: BigInt(from), position: offset, to: BigInt(to) }, asked };
    });
    return { asked: noted[0]?.asked ?? '', ranges: noted.map(({ range }) => range) };
  }

  /** From now on the replay is unfinished. */
  async begin(ranges: readonly Range[], asked: string): Promise<void> {
    this.note(ranges, asked);
    await this.save(ranges.map((range) => ({ ...range, offset: range.position })));
  }

  /** These are the ranges from the next `save` on. */
  note(ranges: readonly Range[], asked: string): void {
    const note = ({ from, to }: Range): string => JSON.stringify({ from: `${from}`, to: `${to}`, asked });
    this.#notes = new Map(ranges.map((range) => [partitionName(range), note(range)]));
  }

  async save(offsets: readonly { topic: string; partition: number; offset: bigint }[]): Promise<void> {
    const stored = offsets.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      offset,
      note: this.#notes.get(partitionName({ topic, partition })) ?? '',
    }));
    await this.#offsets.store(stored, this.#signal);
  }

  async remove(): Promise<void> {
    await this.#offsets.forget(this.#signal);
  }

  #read(note: string): Note {
    try {
      const { from, to, asked } = JSON.parse(note) as Note;
      return { from, to, asked };
    } catch (cause) {
      throw new TaplineError('REPLAY_BOOKMARK', {
        message: `The offsets of the consumer group ${this.group} were not stored by a replay.`,
        cause,
      });
    }
  }
}
