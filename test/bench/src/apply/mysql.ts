import { setTimeout as sleep } from 'node:timers/promises';
import type { MysqlServer } from '@tapline/test-stack';
import { DATABASE, TABLE } from '../rows.ts';
import { TopicWatch } from '../topics.ts';
import { createDebeziumSink, DEBEZIUM_SINK } from './debezium-sink.ts';
import { GroupTurns } from './group-turns.ts';
import { PlainUpserts } from './plain-upserts.ts';
import type { ApplyRun, ApplyStack, Consumer, OpenStore } from './store.ts';
import { measureInTurns } from './turns.ts';

/** Of everybody: a compiler that has just started, and a table that is still small. */
const UNCOUNTED_SHARE = 0.2;
const TURN_MS = 1000;
const POLL_MS = 2;
/** With less, the server stops to write pages out in the middle of somebody's turn, and it is chance in whose. */
const SETTINGS = { 'innodb-redo-log-capacity': '2G', 'innodb-buffer-pool-size': '1G' } as const;

/**
 * A MySQL of its own. The limit is plain upserts of 500 rows, one after the other, into a table of the same form; a peer is Debezium's JDBC sink on the same topic. All work by turns of a
 * second, each into a database of its own.
 */
export async function openMysqlTarget(stack: ApplyStack): Promise<OpenStore> {
  const server = await stack.add('mysql', { name: 'target', settings: SETTINGS });
  const { host, port, user, password } = server.address;
  const eyes = await server.connect();
  const broker = stack.kafka.broker(1).process.pid;
  const servers = { mysql: server.process.pid, broker };
  return {
    process: server.process,
    uncountedShare: UNCOUNTED_SHARE,
    sink: ({ run }) =>
      Promise.resolve({
        type: 'mysql',
        ...{ host, port, user, password },
        database: placeOf('applied', run),
        stateDatabase: `state${run}`,
      }),
    check: ({ run, rows }) => requireRows(eyes, placeOf('applied', run), rows),
    limits: () => Promise.resolve([]),
    async inTurns(run, consumer) {
      const { rows, topic } = run;
      await using watch = await TopicWatch.open(stack.kafka.address.brokers, topic);
      const turnsOf = (what: string, own: Consumer): GroupTurns =>
        new GroupTurns({ what, consumer: own, topic: watch, rows, servers });
      const place = await emptyPlace(server, 'plain', run);
      const writer = turnsOf('tapline writer → mysql', consumer);
      await using plain = await PlainUpserts.open(server, { place, rows });
      const peer = run.peer === undefined ? undefined : turnsOf(DEBEZIUM_SINK, await createPeer(stack, server, run));
      const takers = [writer, plain, ...(peer === undefined ? [] : [peer])];
      for (const taker of takers) await taker.launch(rows * UNCOUNTED_SHARE);
      const inTurn = run.run % 2 === 0 ? takers.toReversed() : takers;
      const measured = await measureInTurns(inTurn, { turnMs: TURN_MS, settle: () => untilIdle(eyes) });
      const { peakRssMib } = writer;
      await peer?.kill();
      for (const taker of [writer, plain]) await taker.finish();
      for (const kind of ['applied', 'plain'] as const) await requireRows(eyes, placeOf(kind, run.run), rows);
      const inOrder = takers.flatMap(({ what }) => measured.filter((measurement) => measurement.what === what));
      return inOrder.map((measurement, at) => (at === 0 ? { ...measurement, peakRssMib } : measurement));
    },
    async [Symbol.asyncDispose]() {
      await eyes.end();
      await server.stop();
    },
  };
}

function placeOf(kind: 'applied' | 'plain' | 'peer', run: number): string {
  return `${DATABASE}_${kind}${run}`;
}

/** A database with a table as the first writer made its own, and nothing in it. */
async function emptyPlace(server: MysqlServer, kind: 'plain' | 'peer', { run }: ApplyRun): Promise<string> {
  const place = placeOf(kind, run);
  await server.execute(
    `CREATE DATABASE ${place}; CREATE TABLE ${place}.${TABLE} LIKE ${placeOf('applied', 0)}.${TABLE}`,
  );
  return place;
}

async function createPeer(stack: ApplyStack, server: MysqlServer, run: ApplyRun): Promise<Consumer> {
  return await createDebeziumSink(stack, { server, database: await emptyPlace(server, 'peer', run), run });
}

type Connection = Awaited<ReturnType<MysqlServer['connect']>>;

async function requireRows(eyes: Connection, database: string, rows: number): Promise<void> {
  const count = await numberOf(eyes, `SELECT COUNT(*) AS n FROM ${database}.${TABLE}`);
  if (count !== rows) throw new Error(`${database} holds ${count} rows instead of ${rows}`);
}

/** What a consumer had sent when it was stopped is done. */
async function untilIdle(eyes: Connection): Promise<void> {
  const question = `SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE COMMAND NOT IN ('Sleep', 'Daemon') AND ID <> CONNECTION_ID()`;
  while ((await numberOf(eyes, question)) > 0) await sleep(POLL_MS);
}

async function numberOf(eyes: Connection, question: string): Promise<number> {
  const [rows] = await eyes.query(question);
  return Number((rows as { readonly n: unknown }[])[0]?.n);
}
