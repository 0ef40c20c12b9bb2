import type { MysqlServer } from '@tapline/test-stack';
import { measured } from '../processes.ts';
import type { Measurement } from '../report.ts';
import { DATABASE, rowOf, TABLE } from '../rows.ts';
import { measureDebeziumSink } from './debezium-sink.ts';
import type { ApplyRun, ApplyStack, OpenStore } from './store.ts';

const ROWS_PER_STATEMENT = 500;
/** Of everybody: a compiler that has just started, and a table that is still small. */
const UNCOUNTED_SHARE = 0.2;

/** A MySQL of its own; the limit is plain upserts of 500 rows, one after the other, into a table of the same form. */
export async function openMysqlTarget(stack: ApplyStack): Promise<OpenStore> {
  const server = await stack.add('mysql', { name: 'target' });
  const { host, port, user, password } = server.address;
  return {
    process: server.process,
    uncountedShare: UNCOUNTED_SHARE,
    sink: (run) =>
      Promise.resolve({
        type: 'mysql',
        ...{ host, port, user, password },
        database: applied(run),
        stateDatabase: `state${run.run}`,
      }),
    check: (run) => requireRows(server, applied(run), run.rows),
    limits: async (run) => [await upsertPlain(server, run)],
    async peer(run) {
      const database = await emptyPlace(server, run, 'peer');
      const measurement = await measureDebeziumSink(stack, {
        server,
        database,
        run,
        uncountedRows: run.rows * UNCOUNTED_SHARE,
      });
      await requireRows(server, database, run.rows);
      return measurement;
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

function applied({ run }: ApplyRun): string {
  return `${DATABASE}_applied${run}`;
}

/** A database with a table like the writer's, and nothing in it. */
async function emptyPlace(server: MysqlServer, run: ApplyRun, name: string): Promise<string> {
  const place = `${DATABASE}_${name}${run.run}`;
  await server.execute(`CREATE DATABASE ${place}; CREATE TABLE ${place}.${TABLE} LIKE ${applied(run)}.${TABLE}`);
  return place;
}

async function requireRows(server: MysqlServer, database: string, rows: number): Promise<void> {
  const connection = await server.connect({ database });
  try {
    const [answer] = await connection.query(`SELECT COUNT(*) AS n FROM ${TABLE}`);
    const [{ n } = { n: 0 }] = answer as { n: number }[];
    if (Number(n) !== rows) throw new Error(`${database} holds ${n} rows instead of ${rows}`);
  } finally {
    await connection.end();
  }
}

async function upsertPlain(server: MysqlServer, run: ApplyRun): Promise<Measurement> {
  const { rows } = run;
  const statements: string[] = [];
  for (let from = 1; from <= rows; from += ROWS_PER_STATEMENT) {
    statements.push(upsertStatement(from, Math.min(from + ROWS_PER_STATEMENT - 1, rows)));
  }
  const place = await emptyPlace(server, run, 'plain');
  const connection = await server.connect({ database: place });
  try {
    const servers = { mysql: server.process.pid };
    const what = `plain upserts of ${ROWS_PER_STATEMENT} rows`;
    const uncounted = Math.floor(statements.length * UNCOUNTED_SHARE);
    for (const sql of statements.slice(0, uncounted)) await connection.query(sql);
    const counted = { what, rows: rows - uncounted * ROWS_PER_STATEMENT, servers };
    const measurement = await measured(counted, async () => {
      for (const sql of statements.slice(uncounted)) await connection.query(sql);
    });
    await requireRows(server, place, rows);
    return measurement;
  } finally {
    await connection.end();
  }
}

function upsertStatement(from: number, to: number): string {
  const values: string[] = [];
  for (let id = from; id <= to; id++) {
    const { k, c, pad } = rowOf(id);
    values.push(`(${id},${k},'${c}','${pad}')`);
  }
  return `INSERT INTO ${TABLE} (id, k, c, pad) VALUES ${values.join(',')} AS new ON DUPLICATE KEY UPDATE k = new.k, c = new.c, pad = new.pad`;
}
