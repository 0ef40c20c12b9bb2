import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { connect, quoteTable } from '@tapline/mysql';
import { type SqlAddress, type TopicWriter, testServers } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import { Store } from '../search/testing/store.ts';
import { expectedRow, until, WriterFixture } from '../testing/fixture.ts';
import { Load, Watcher } from '../testing/load.ts';
import { ReplayProcess } from '../testing/replay-process.ts';
import { WriterProcess } from '../testing/writer-process.ts';

const IDS = 300;
/** The writer hears within a tenth of it that a replay wants its partitions. */
const QUICK = { 'source.sessionTimeoutMs': '6000' };

let fixture: WriterFixture;
let search: Store;

beforeAll(async () => {
  fixture = await WriterFixture.open();
  search = new Store((await testServers('elasticsearch')).elasticsearch.url);
});

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
});

/** Changes go on until the work is done: not so many that a replay on a slow machine never comes near their end. */
async function whileChanging(load: Load, topic: TopicWriter, work: Promise<unknown>): Promise<void> {
  let done = false;
  const ended = work.finally(() => {
    done = true;
  });
  ended.catch(() => undefined);
  while (!done) {
    load.run(10, 0);
    await topic.sent();
    await sleep(50);
  }
  await ended;
}

/** A replay into a second target that was killed on the way and is gone on with. `ended`: when nothing is left of it but its log. */
async function resumed(
  flags: Readonly<Record<string, string>>,
  name: string,
): Promise<{ readonly begun: ReplayProcess; readonly ended: Promise<void> }> {
  const group = `${flags['name']}.replay.${name}`;
  {
    await using killed = await ReplayProcess.start(flags, ['--into', name, '--swap', '--yes', '--rate', '100']);
    const begun = async (): Promise<boolean> =>
      (await fixture.kafka.offsets(group).stored()).some(({ offset }) => offset > 0n);
    await until('some of it is stored', begun, killed);
    killed.signal('SIGKILL');
    await killed.ended;
  }
  const begun = await ReplayProcess.start(flags, ['--into', name, '--swap', '--yes', '--resume']);
  const ended = begun.ended.then(async () => expect(await fixture.kafka.offsets(group).stored()).toEqual([]));
  ended.catch(() => undefined);
  return { begun, ended };
}

async function replayInto(flags: Readonly<Record<string, string>>, name: string): Promise<ReplayProcess> {
  const { begun, ended } = await resumed(flags, name);
  await ended;
  return begun;
}

test('Redis: another database is filled and exchanged with the live one under load; no row is ever missing or goes back', async () => {
  await using topic = await fixture.topic();
  const flags = fixture.flags(topic, { ...QUICK, 'sink.database': '2' });
  const { host, port } = fixture.server;
  const live = new Redis({ host, port, db: 2 });
  const load = new Load(topic, IDS);
  try {
    await using writer = new WriterProcess(flags);
    load.fill();
    load.run(2000, 0);
    await topic.sent();
    await until('all is committed', () => fixture.caughtUp(topic), writer);
    // Something that only the old rows have: what is behind the name afterwards was filled anew.
    await live.hset(`${topic.source}:0`, 'old', 'yes');
    await live.hset(`${topic.source}:stranger`, 'old', 'yes');
    await using watcher = new Watcher(live, topic, IDS);
    await using stranger = await ReplayProcess.start({ ...flags, 'sink.key': 'rows:${key.id}' }, [
      '--into',
      '3',
      '--yes',
    ]);
    expect([await stranger.ended, stranger.log]).toEqual([1, expect.stringContaining('REPLAY_INTO')]);
    let replay: ReplayProcess | undefined;
    await whileChanging(
      load,
      topic,
      replayInto(flags, '3').then((one) => {
        replay = one;
      }),
    );
    await using ended = replay as ReplayProcess;
    expect([await ended.ended, ended.log]).toEqual([0, expect.stringContaining('database 2 has the new rows')]);
    await until('all is committed', () => fixture.caughtUp(topic), writer);
    expect([watcher.wentBack, watcher.vanished]).toEqual([[], []]);
    expect(watcher.polls).toBeGreaterThan(10);
    const rows = new Map<number, Record<string, string>>();
    for (const key of await live.keys(`${topic.source}:*`)) {
      const { _v, ...row } = await live.hgetall(key);
      rows.set(Number(key.slice(topic.source.length + 1)), row);
    }
    expect(rows).toEqual(new Map([...load.table].map(([id, row]) => [id, expectedRow(row)])));
    expect(await live.exists('_tapline:replay')).toBe(0);
    await live.select(3);
    expect(await live.hget(`${topic.source}:stranger`, 'old')).toBe('yes');
  } finally {
    live.disconnect();
  }
});

/** Looks through the alias, by id and by search, for rows that are missing or go back. */
class AliasWatcher implements AsyncDisposable {
  readonly wrong: string[] = [];
  polls = 0;
  readonly #alias: string;
  readonly #seen = new Map<string, number>();
  #on = true;
  readonly #done: Promise<void>;

  constructor(alias: string) {
    this.#alias = alias;
    this.#done = this.#watch();
  }

  async #watch(): Promise<void> {
    const ids = Array.from({ length: IDS }, (_, id) => String(id));
    while (this.#on) {
      const { docs } = (await search.must('POST', `${this.#alias}/_mget?_source=false`, { ids })) as {
        docs: readonly { _id: string; found?: boolean; _version: number }[];
      };
      for (const { _id, found, _version } of docs) {
        if (found !== true) this.wrong.push(`row ${_id} is not there`);
        if (_version < (this.#seen.get(_id) ?? 0)) this.wrong.push(`row ${_id} went back`);
        this.#seen.set(_id, _version);
      }
      const { count } = (await search.must('GET', `${this.#alias}/_count`)) as { count: number };
      if (count !== IDS) this.wrong.push(`a search finds ${count}`);
      this.polls++;
      await sleep(5);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#on = false;
    await this.#done;
  }
}

test('Elasticsearch: a new index takes over the alias under load; no row is ever missing or goes back, by id or by search', async () => {
  await using topic = await fixture.topic();
  const alias = topic.source.toLowerCase();
  const flags = fixture.flags(topic, {
    ...QUICK,
    'sink.type': 'elasticsearch',
    'sink.node': search.url,
    'sink.index': alias,
    'sink.types.decimal': 'keyword',
    'sink.bookIndex': `${alias}-book`,
  });
  for (const flag of ['sink.address', 'sink.key', 'sink.versionPrefix']) delete flags[flag];
  const load = new Load(topic, IDS);
  load.fill();
  load.run(1000, 0);
  await topic.sent();
  await search.must('PUT', `${alias}-v1`, { aliases: { [alias]: {} }, settings: { 'index.number_of_replicas': 0 } });
  try {
    await using writer = new WriterProcess(flags);
    await until('all is committed', () => fixture.caughtUp(topic), writer);
    await search.must('POST', `${alias}/_refresh`);
    let replay: ReplayProcess | undefined;
    {
      await using watcher = new AliasWatcher(alias);
      await whileChanging(
        load,
        topic,
        replayInto(flags, 'v2').then((one) => {
          replay = one;
        }),
      );
      expect(watcher.polls).toBeGreaterThan(3);
      expect(watcher.wrong.slice(0, 10)).toEqual([]);
    }
    await using ended = replay as ReplayProcess;
    expect([await ended.ended, ended.log]).toEqual([0, expect.stringContaining(`${alias} is ${alias}-v2 now`)]);
    await until('all is committed', () => fixture.caughtUp(topic), writer);
    expect(Object.keys((await search.must('GET', `${alias}/_alias`)) as object)).toEqual([`${alias}-v2`]);
    await search.must('POST', `${alias}/_refresh`);
    const found = (await search.must('GET', `${alias}/_search?size=${IDS}`)) as {
      hits: { hits: readonly { _id: string; _source: { name: string | null; price: number } }[] };
    };
    const rows = found.hits.hits.map(({ _id, _source }) => [
      Number(_id),
      _source.name,
      Number(_source.price).toFixed(2),
    ]);
    expect(new Map(rows.map((row) => [row[0], row]))).toEqual(
      new Map([...load.table].map(([id, { name, price }]) => [id, [id, name, Number(price).toFixed(2)]])),
    );
    // Into the live index nothing is written: no document has another number of its last write.
    const written = async (): Promise<unknown> => {
      const { hits } = (await search.must(
        'GET',
        `${alias}/_search?size=${IDS}&sort=id&seq_no_primary_term=true&version=true`,
      )) as { hits: unknown };
      return hits;
    };
    const before = await written();
    await using again = await ReplayProcess.start(flags, ['--yes']);
    expect([await again.ended, again.log]).toEqual([0, expect.stringContaining('applied 0, stale')]);
    await search.must('POST', `${alias}/_refresh`);
    expect(await written()).toEqual(before);
    // What is no alias cannot be exchanged in one step, and is told before anything is written.
    await using plain = await ReplayProcess.start({ ...flags, 'sink.index': `${alias}-v2` }, ['--into', 'x', '--yes']);
    expect([await plain.ended, plain.log]).toEqual([
      1,
      expect.stringMatching(/REPLAY_INTO.*is an index and no alias/s),
    ]);
  } finally {
    for (const index of [`${alias}-v1`, `${alias}-v2`, `${alias}-book`]) await search.ask('DELETE', index);
  }
});

/** Looks through the table for rows that are missing or go back. */
class TableWatcher implements AsyncDisposable {
  readonly wrong: string[] = [];
  polls = 0;
  readonly #seen = new Map<string, number>();
  #on = true;
  readonly #done: Promise<void>;

  constructor(address: SqlAddress, table: string) {
    this.#done = this.#watch(address, table);
  }

  async #watch(address: SqlAddress, table: string): Promise<void> {
    await using connection = await connect(address);
    while (this.#on) {
      const rows = await connection.query(`SELECT id, name FROM ${table}`);
      if (rows.length !== IDS) this.wrong.push(`there are ${rows.length} rows`);
      for (const [id, name] of rows) {
        if (id === null || id === undefined || !name) continue;
        const version = Number(name.slice('name '.length));
        if (version < (this.#seen.get(id) ?? 0)) this.wrong.push(`row ${id} went back`);
        this.#seen.set(id, version);
      }
      this.polls++;
      await sleep(5);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#on = false;
    await this.#done;
  }
}

test('MySQL: a table made like the live one takes its name under load; no row is ever missing or goes back, and what would be lost is refused', async () => {
  await using topic = await fixture.topic();
  const address = (await testServers('mysql')).mysql;
  const db = topic.source;
  const state = `${db}_state`;
  const flags = fixture.flags(topic, {
    ...QUICK,
    'sink.type': 'mysql',
    'sink.host': address.host,
    'sink.port': String(address.port),
    'sink.user': address.user,
    'sink.password': address.password,
    'sink.database': db,
    'sink.stateDatabase': state,
  });
  for (const flag of ['sink.address', 'sink.key', 'sink.versionPrefix']) delete flags[flag];
  const load = new Load(topic, IDS);
  load.fill();
  load.run(1000, 0);
  await topic.sent();
  await using root = await connect(address);
  const live = quoteTable(db, 'item');
  const names = async (database: string): Promise<readonly (string | null | undefined)[]> =>
    (await root.query(`SHOW TABLES FROM ${database}`)).map(([name]) => name);
  try {
    for (const sql of [
      `CREATE DATABASE ${db}`,
      `CREATE TABLE ${live} (id BIGINT PRIMARY KEY, name VARCHAR(100), price DECIMAL(10,2), note INT NOT NULL DEFAULT 7, KEY by_price (price), CHECK (id >= 0))`,
      `CREATE TABLE ${db}.child (item BIGINT, CONSTRAINT to_item FOREIGN KEY (item) REFERENCES ${live} (id))`,
    ])
      await root.execute(sql);
    await using writer = new WriterProcess(flags);
    await until('all is committed', () => fixture.caughtUp(topic), writer);
    await using tied = await ReplayProcess.start(flags, ['--into', 'tied', '--swap', '--yes']);
    expect([await tied.ended, tied.log]).toEqual([1, expect.stringMatching(/REPLAY_INTO.*to_item of child/s)]);
    expect(await names(db)).toEqual(['child', 'item']);
    await root.execute(`DROP TABLE ${db}.child`);
    // What somebody did to the rows by hand: the new ones are made of the records alone.
    await root.execute(`UPDATE ${live} SET note = 8`);
    await using reader = await connect(address);
    await reader.execute('START TRANSACTION');
    await reader.query(`SELECT COUNT(*) FROM ${live}`);
    let replay: ReplayProcess | undefined;
    {
      await using watcher = new TableWatcher(address, live);
      const work = async (): Promise<void> => {
        const { ended, begun } = await resumed(flags, 'v2');
        replay = begun;
        await until('the exchange waits', () => begun.log.includes('is tried again'), begun);
        await reader.execute('COMMIT');
        await ended;
      };
      await whileChanging(load, topic, work());
      expect(watcher.polls).toBeGreaterThan(3);
      expect(watcher.wrong.slice(0, 10)).toEqual([]);
    }
    await using done = replay as ReplayProcess;
    expect([await done.ended, done.log]).toEqual([0, expect.stringContaining(`${db}.item has the new rows`)]);
    await until('all is committed', () => fixture.caughtUp(topic), writer);
    const rows = await root.query(`SELECT id, name, price, note FROM ${live}`);
    expect(new Map(rows.map((row) => [Number(row[0]), row]))).toEqual(
      new Map([...load.table].map(([id, { name, price }]) => [id, [String(id), name, price, '7']])),
    );
    expect(await names(db)).toEqual(['item', 'item_v2_old']);
    expect(await names(state)).toEqual(expect.arrayContaining([`${db}.item`, `__offsets.${db}.item_v2_old`]));
    expect((await names(state)).filter((name) => name?.startsWith('__replayed'))).toEqual([]);
    // The old rows stand in the way of another replay of this name, and are not touched.
    await using again = await ReplayProcess.start(flags, ['--into', 'v2', '--swap', '--yes']);
    expect([await again.ended, again.log]).toEqual([1, expect.stringMatching(/REPLAY_INTO.*item_v2_old already/s)]);
  } finally {
    for (const database of [db, state]) await root.execute(`DROP DATABASE IF EXISTS ${database}`);
  }
});
