/** How far changes of one partition may have been sent to a table, and who sends them. */
interface Mark {
  /** Every change that was ever sent stands in front of this offset. */
  readonly below: number;
  /** From here on the owner has sent, or will send, whatever is sent. */
  readonly from: number;
  /** The sink that has the partition. */
  readonly owner: string;
}

/** What the rows of a table come from. */
interface Origin {
  /** Name of the writer. */
  readonly writer: string;
  readonly topic: string;
  /** How many partitions the topic has. */
  readonly partitions: number;
  /** The template that makes row keys of keys. */
  readonly rowKey: string;
}

/** What a table knows of the changes that were sent to it. */
export interface GuardState extends Origin {
  /** By partition. */
  readonly marks: Readonly<Record<string, Mark>>;
  /** Why every row is asked for; absent: marks say enough. */
  readonly asked?: string;
}

/** Marks are raised by so many records at a time; so many of a partition are asked for once more behind a restart. */
export const STEP_RECORDS = 20_000;

const UNTOUCHED: Mark = { below: 0, from: 0, owner: '' };

export function markOf({ marks }: GuardState, partition: number): Mark | undefined {
  return marks[partition];
}

/** The partition is this owner's: what was sent by then is in front of its place. */
export function claimed(state: GuardState, partition: number, owner: string): GuardState {
  const { below } = state.marks[partition] ?? UNTOUCHED;
  return { ...state, marks: { ...state.marks, [partition]: { below, from: below, owner } } };
}

/** So that the change at `offset` may be sent, and some behind it. */
export function raised(state: GuardState, partition: number, offset: number): GuardState {
  const mark = state.marks[partition] ?? UNTOUCHED;
  const below = Math.max(mark.below, offset + 1 + STEP_RECORDS);
  return { ...state, marks: { ...state.marks, [partition]: { ...mark, below } } };
}

export function printState(state: GuardState): Buffer {
  return Buffer.from(JSON.stringify(state));
}

/** What is not understood comes from a later release: then nothing is left out. */
export function parseState(value: Buffer): GuardState {
  const state = jsonOf(value);
  if (isState(state)) return state;
  return { writer: '', topic: '', partitions: 0, rowKey: '', marks: {}, asked: 'what is noted is not understood' };
}

function jsonOf(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString());
  } catch {
    return undefined;
  }
}

function isState(state: unknown): state is GuardState {
  if (typeof state !== 'object' || state === null) return false;
  const { writer, topic, partitions, rowKey, marks } = state as Partial<Record<keyof GuardState, unknown>>;
  return (
    [writer, topic, rowKey].every((text) => typeof text === 'string') &&
    typeof partitions === 'number' &&
    typeof marks === 'object' &&
    marks !== null
  );
}
