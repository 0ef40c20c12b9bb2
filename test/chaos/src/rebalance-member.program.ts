import { type Change, type RowChange, subscribe } from '@tapline/client';

/*
 * One member of a group, as a process of its own that may be killed: brokers, group and topic are its arguments. Each change is told to the parent, and is handled
 * when that has answered: so the parent sees all changes of all members in the order in which they were handled. 'close' lets it leave as it should.
 */
const [brokers = '', group = '', topic = ''] = process.argv.slice(2);

interface Item {
  readonly id: bigint;
}

const answers = new Map<number, () => void>();
let asked = 0;

function handle({ key, version }: RowChange<string, Item> | Change): Promise<void> {
  const number = ++asked;
  process.send?.({ number, id: Number(key?.['id']), version: String(version) });
  return new Promise((resolve) => answers.set(number, resolve));
}

const subscription = subscribe<Readonly<Record<string, Item>>>({
  brokers: brokers.split(','),
  group,
  topics: [topic],
  concurrency: 4,
  commitMs: 200,
  // On a machine that is busy with others too, nobody but who was killed may look dead.
  sessionTimeoutMs: 10_000,
  handler: handle,
});

const told = Promise.withResolvers<void>();
process.on('disconnect', () => told.resolve());
process.on('message', (message: number | 'close') => {
  if (message === 'close') told.resolve();
  else {
    answers.get(message)?.();
    answers.delete(message);
  }
});

await Promise.race([subscription.ended, told.promise]);
await subscription.close();
process.exit();
