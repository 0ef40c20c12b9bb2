import { expect, test } from '@jest/globals';
import { openStack } from '@tapline/test-stack';
import { record } from '../decode/record.ts';
import { DECODE_TABLES, type DecodeTable } from '../decode/tables.ts';
import { countRecords } from '../record-count.ts';
import { runStage, STAGES, type Stage } from './stages.ts';

const ROWS = 3000;

// Counting needs valgrind and minutes; that every stage takes all rows, and that the last one's records arrive, needs neither.
test('each stage takes the recorded rows to its end', async () => {
  await using stack = await openStack({ mysql: true, kafka: 1 });
  const recording = await record(stack.mysql, DECODE_TABLES[0] as DecodeTable, ROWS);
  const topic = 'stages';
  for (const stage of Object.keys(STAGES) as Stage[]) {
    await runStage(stage, recording, { brokers: stack.kafka.address.brokers, topic });
  }
  expect(await countRecords(stack.kafka, topic)).toBe(ROWS);
});
