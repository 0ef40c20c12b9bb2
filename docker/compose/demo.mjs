// The demo of compose.yaml: orders come, are paid and go in MySQL, while reader and writer carry them into Redis; then every row is compared with what is there.
// Ends with 0 when none differs. The packages are those of the image.
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';

const SECONDS = Number(process.env.DEMO_SECONDS ?? 20);
/** What is on its way at the end may take that much longer. */
const SETTLE_SECONDS = 3 * SECONDS;
const CUSTOMERS = ['Ada', 'Grace', 'Edsger', 'Barbara'];

const redis = new Redis({ host: 'redis' });
const mysql = await createConnection({
  host: 'mysql',
  user: 'shop',
  password: 'shop',
  database: 'shop',
  dateStrings: true,
  supportBigNumbers: true,
  bigNumberStrings: true,
});

const random = (below) => Math.floor(Math.random() * below);

async function trade() {
  const orders = Array.from({ length: 10 }, () => [
    CUSTOMERS[random(CUSTOMERS.length)],
    (random(10_000) / 100).toFixed(2),
  ]);
  await mysql.query('INSERT INTO orders (customer, total) VALUES ?', [orders]);
  await mysql.query("UPDATE orders SET state = 'paid' WHERE state = 'open' ORDER BY id LIMIT 8");
  await mysql.query("DELETE FROM orders WHERE state = 'paid' AND id > 3 ORDER BY id LIMIT 3");
}

/** Key in Redis → the fields that must be there. */
async function inMysql() {
  const [rows] = await mysql.query('SELECT id, customer, total, state FROM orders');
  return new Map(rows.map((row) => [`orders:${row.id}`, { ...row, id: String(row.id) }]));
}

async function inRedis() {
  const keys = await redis.keys('orders:*');
  return new Map(await Promise.all(keys.map(async (key) => [key, await redis.hgetall(key)])));
}

async function compare() {
  const [rows, found] = [await inMysql(), await inRedis()];
  const differs = ([key, row]) => Object.entries(row).some(([name, value]) => found.get(key)?.[name] !== value);
  const differences = [...rows].filter(differs).length + [...found.keys()].filter((key) => !rows.has(key)).length;
  return { rows: rows.size, found: found.size, differences };
}

const say = (line) => process.stdout.write(`${line}\n`);

say(`orders come, are paid and go for ${SECONDS} s`);
for (let second = 1; second <= SECONDS; second++) {
  const end = performance.now() + 1000;
  while (performance.now() < end) {
    await trade();
    await delay(50);
  }
  if (second % 5 === 0) {
    const { rows, found } = await compare();
    say(`after ${second} s: ${rows} orders in MySQL, ${found} in Redis`);
  }
}

const deadline = performance.now() + SETTLE_SECONDS * 1000;
let result = await compare();
while (result.differences > 0 && performance.now() < deadline) {
  await delay(100);
  result = await compare();
}
say(`compared ${result.rows} orders in MySQL with ${result.found} in Redis: ${result.differences} differences`);
redis.disconnect();
await mysql.end();
process.exitCode = result.differences === 0 ? 0 : 1;
