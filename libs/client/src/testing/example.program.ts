import { type ChangeOf, subscribe } from '@tapline/client';

interface Item {
  readonly id: bigint;
  readonly name: string | null;
  readonly price: string;
}

const { BROKERS = '127.0.0.1:9092', TOPIC = 'shop.shop.item' } = process.env;

function print({ key, after }: ChangeOf<Record<string, Item>>): void {
  console.log(after === null ? `item ${key?.id} is gone` : `item ${after.id} costs ${after.price}`);
}

const subscription = subscribe<Record<string, Item>>({
  brokers: BROKERS.split(','),
  group: `${TOPIC}-prices`,
  topics: [TOPIC],
  handler: print,
  onError: (error) => (error instanceof TypeError ? 'stop' : 'retry'),
});

process.once('SIGTERM', () => void subscription.close());
await subscription.ended;
