import { partitionName } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import type { WriterTools } from '../tools.ts';
import type { Letter } from './letter.ts';

/**
 * Which letters are no longer the newest change of their key that the writer would write: a later record of the key stands in the topic, or the
 * letter's own is gone from a topic that is only compacted, which happens only when there was a later one. To apply such a letter could only be wrong: the sink
 * refuses it by its version, but a sink may have forgotten the version of a row that was deleted long ago.
 *
 * Reads each partition that has letters from the first of them to its end, once. Records without a key cannot be told apart: their letters are
 * left to the versions alone.
 */
export async function superseded(
  letters: readonly Letter[],
  { kafka, pipeline }: Pick<WriterTools, 'kafka' | 'pipeline'>,
  signal: AbortSignal,
): Promise<ReadonlySet<Letter>> {
  const old = new Set<Letter>();
  for (const [first, ...others] of byPartition(letters)) {
    const { topic, partition } = first;
    const watched = new Map<string, Letter[]>();
    for (const letter of [first, ...others]) {
      const key = letter.record.key?.toString('latin1') ?? '';
      watched.set(key, [...(watched.get(key) ?? []), letter]);
    }
    const seen = new Set<bigint>();
    for await (const records of kafka.reader.read({ topic, partition, from: first.record.offset, signal })) {
      for (const record of records) {
        const rivals = record.key === null ? undefined : watched.get(record.key.toString('latin1'));
        if (rivals === undefined) continue;
        seen.add(record.offset);
        const older = rivals.filter((letter) => letter.record.offset < record.offset && !old.has(letter));
        if (older.length === 0 || !(await isWritten(pipeline, { topic, partition }, record))) continue;
        for (const letter of older) old.add(letter);
      }
    }
    const described = await kafka.topics.describe(topic, signal);
    if (described?.config['cleanup.policy'] !== 'compact') continue;
    for (const letter of [first, ...others]) {
      if (letter.record.key !== null && !seen.has(letter.record.offset)) old.add(letter);
    }
  }
  return old;
}

type Decoded = Parameters<WriterTools['pipeline']['decode']>;

/**
 * A later record that is left out, or can never be applied itself, leaves the sink as it is. One that cannot be read now (the registry is away) may well have written: that is
 * for the caller to be told.
 */
async function isWritten(pipeline: WriterTools['pipeline'], ...[place, record]: Decoded): Promise<boolean> {
  try {
    const decoded = await pipeline.decode(place, record);
    return decoded !== undefined && (!Array.isArray(decoded) || decoded.length > 0);
  } catch (error) {
    if (error instanceof TaplineError && error.disposition === 'poison') return false;
    throw error;
  }
}

function byPartition(letters: readonly Letter[]): Iterable<[Letter, ...Letter[]]> {
  const groups = new Map<string, [Letter, ...Letter[]]>();
  for (const letter of letters) {
    const name = partitionName(letter);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [letter]);
    else group.push(letter);
  }
  return groups.values();
}
