import { encodeHeaders, openKafka } from '@tapline/kafka';
import { encodeAll } from '../decode/encode.ts';
import { type Recording, replay } from '../decode/record.ts';
import { ROWS_PER_TRANSACTION } from '../rows.ts';
import { PARTITIONS } from '../services.ts';

/** The reader's work on a row, stage by stage; each stage does what the ones before it do, and more. */
export const STAGES = {
  packets: 'packets, checksums, event headers',
  rows: '… and where each column of each row is',
  avro: '… and keys and values in Avro',
  publish: '… and batches, sent and acknowledged',
} as const;

export type Stage = keyof typeof STAGES;

/** Where `publish` sends to. */
export interface StageTarget {
  readonly brokers: readonly string[];
  /** A topic that is not there yet. */
  readonly topic: string;
}

/** Takes the recording's rows through a stage, in this process. */
export async function runStage(stage: Stage, recording: Recording, target: StageTarget): Promise<void> {
  switch (stage) {
    case 'packets':
      return await readRows(recording, false);
    case 'rows':
      return await readRows(recording, true);
    case 'avro':
      await encodeAll(recording);
      return;
    case 'publish':
      return await publish(recording, target);
  }
}

/** Without `columns` each event with rows is passed as a whole. */
async function readRows(recording: Recording, columns: boolean): Promise<void> {
  await using stream = replay(recording);
  for (let rows = 0; rows < recording.rows; ) {
    for (const event of await stream.pull()) {
      if (event.kind === 'rows' && columns) while (event.next()) rows++;
      else if (event.kind === 'commit' && !columns) rows += ROWS_PER_TRANSACTION;
    }
  }
}

async function publish(recording: Recording, { brokers, topic }: StageTarget): Promise<void> {
  await using kafka = openKafka({ brokers });
  await kafka.topics.ensure([{ topic, partitions: PARTITIONS, replicationFactor: 1 }]);
  await using producer = kafka.producer();
  const lanes = Array.from({ length: PARTITIONS }, (_, partition) => producer.lane(topic, partition));
  const headers = encodeHeaders({ v: Buffer.alloc(8) });
  const now = Date.now();
  await encodeAll(recording, (key, value) => {
    const lane = lanes[producer.partitionFor(key, PARTITIONS)];
    if (lane !== undefined) producer.append(lane, key, value, now, headers);
    return producer.room();
  });
  await producer.mark();
}
