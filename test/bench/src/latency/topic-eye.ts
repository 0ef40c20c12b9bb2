import { type Consumer, Kafka, logLevel } from 'kafkajs';

/** A consumer that tells the id of each row in the topic, and when it came (performance.now()). It has its first record when this resolves. */
export async function watchTopic(
  brokers: readonly string[],
  topic: string,
  onRow: (id: number, atMs: number) => void,
): Promise<AsyncDisposable> {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `eye-of-${topic}`, maxWaitTimeInMs: 500, minBytes: 1 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consuming(consumer, onRow);
  return { [Symbol.asyncDispose]: () => consumer.disconnect() };
}

async function consuming(consumer: Consumer, onRow: (id: number, atMs: number) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachBatch: ({ batch }) => {
          const now = performance.now();
          for (const { key } of batch.messages) if (key !== null) onRow(keyId(key), now);
          resolve();
          return Promise.resolve();
        },
      })
      .catch(reject);
  });
}

/** The id in a message key: 0x00, schema id in 4 bytes, then the one field, an Avro int (zigzag varint). */
export function keyId(key: Buffer): number {
  let value = 0;
  let scale = 1;
  for (let at = 5; ; at++) {
    const byte = key[at] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    scale *= 128;
  }
}

/** The key of which `keyId` gives the id. */
export function keyOfId(id: number): Buffer {
  const bytes = [0, 0, 0, 0, 0];
  for (let rest = id * 2; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}
