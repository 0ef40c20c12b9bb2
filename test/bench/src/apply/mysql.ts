import { setTimeout as sleep } from 'node:timers/promises';
import type { MysqlServer } from '@tapline/test-stack';
import { DATABASE, TABLE } from '../rows.ts';
import { createDebeziumSink, DEBEZIUM_SINK } from './debezium-sink.ts';
import { GroupTurns } from './group-turns.ts';
import { PlainUpserts } from './plain-upserts.ts';
import type { ApplyRun, ApplyStack, Consumer, OpenApplyStore, OpenStore } from './store.ts';
import { measureInTurns, UNCOUNTED_SHARE } from './turns.ts';

/** A JVM's compiler needs longer; and so much slower a peer does not get to its end. */
const PEER_UNCOUNTED_SHARE = 0.6;
const POLL_MS = 2;
/** With less, the server stops to write pages out in the middle of somebody's turn, and it is chance in whose. */
const SETTINGS = { 'innodb-redo-log-capacity': '2G', 'innodb-buffer-pool-size': '1G' } as const;

/**
 * A MySQL of its own. The limit is plain upserts of 500 rows, one after the other, into a table of the same form; a peer is Debezium's JDBC sink on the same topic. All work by turns of a
 * second, each into a database of its own.
 */
export function openMysqlTarget(order: 'row' | 'transaction'): OpenApplyStore {
  return async (stack) => await openTarget(stack, order);
}

async function openTarget(stack: ApplyStack, order: 'row' | 'transaction'): Promise<OpenStore> {
  const server = await stack.add('mysql', { name: 'target', settings: SETTINGS });
  const { host, port, user, password } = server.address;
  const eyes = await server.connect();
  const broker = stack.kafka.broker(1).process.pid;
  const servers = { mysql: server.process.pid, broker };
  const what = `tapline writer → mysql${order === 'row' ? '' : ', whole transactions'}`;
  return {
    process: server.process,
    uncountedShare: UNCOUNTED_SHARE,
    sink: ({ run }) =>
      Promise.resolve({
        type: 'mysql',
        ...{ host, port, user, password },
        database: placeOf('applied', run),
        stateDatabase: `state${run}`,
        order,
      }),
    check: ({ run, rows }) => requireRows(eyes, placeOf('applied', run), rows),
    limits: () => Promise.resolve([]),
    async inTurns(run, consumer) {
      const { rows } = run;
      const turnsOf = (kind: Place, name: string, own: Consumer): GroupTurns => {
        // What is committed in Kafka says less: Connect commits every few thousand rows.
        const topic = { committed: () => insertedIn(eyes, placeOf(kind, run.run)) };
        return new GroupTurns({ what: name, consumer: own, topic, rows, servers });
      };
      const place = await emptyPlace(server, 'plain', run);
      const writer = turnsOf('applied', what, consumer);
      await using plain = await PlainUpserts.open(server, { place, rows });
      const peer =
        run.peer === undefined ? undefined : turnsOf('peer', DEBEZIUM_SINK, await createPeer(stack, server, run));
      const takers = [writer, plain, ...(peer === undefined ? [] : [peer])];
      for (const taker of [writer, plain]) await taker.launch(rows * UNCOUNTED_SHARE);
      await peer?.launch(rows * PEER_UNCOUNTED_SHARE);
      const measured = await measureInTurns(takers, { run: run.run, settle: () => untilIdle(eyes) });
      await peer?.kill();
      for (const taker of [writer, plain]) await taker.finish();
      for (const kind of ['applied', 'plain'] as const) await requireRows(eyes, placeOf(kind, run.run), rows);
      return measured;
    },
    async [Symbol.asyncDispose]() {
      await eyes.end();
      await server.stop();
    },
  };
}

type Place = 'applied' | 'plain' | 'peer';

function placeOf(kind: Place, run: number): string {
  return `${DATABASE}_${kind}${run}`;
}

/** A database with a table as the first writer made its own, and nothing in it. */
async function emptyPlace(server: MysqlServer, kind: Place, { run }: ApplyRun): Promise<string> {
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

/** Rows that were inserted, committed or not, without a look at the table. */
async function insertedIn(eyes: Connection, database: string): Promise<number> {
  const counters = 'performance_schema.table_io_waits_summary_by_table';
  const table = `OBJECT_SCHEMA = '${database}' AND OBJECT_NAME = '${TABLE}'`;
  return await numberOf(eyes, `SELECT COALESCE(SUM(COUNT_INSERT), 0) AS n FROM ${counters} WHERE ${table}`);
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
