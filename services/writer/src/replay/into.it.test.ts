import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { type TopicWriter, testServers } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import { Store } from '../search/testing/store.ts';
import { expectedRow, until, WriterFixture } from '../testing/fixture.ts';
import { Load, Watcher } from '../testing/load.ts';
import { ReplayProcess } from '../testing/replay-process.ts';
import { WriterProcess } from '../testing/writer-process.ts';

const IDS = 300;

let fixture: WriterFixture;
let search: Store;

beforeAll(async () => {
  fixture = await WriterFixture.open();
  search = new Store((await testServers('elasticsearch')).elasticsearch.url);
}, 300_000);

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
});

/** Changes go on until the work is done. */
async function whileChanging(load: Load, topic: TopicWriter, work: Promise<unknown>): Promise<void> {
  let done = false;
  const ended = work.finally(() => {
    done = true;
  });
  ended.catch(() => undefined);
  while (!done) {
    load.run(20, 0);
    await topic.sent();
    await sleep(20);
  }
  await ended;
}

/** A replay into a second target that is killed once on the way, and gone on with to the exchange. */
async function replayInto(flags: Readonly<Record<string, string>>, name: string): Promise<ReplayProcess> {
  const group = `${flags['name']}.replay.${name}`;
  {
    await using killed = await ReplayProcess.start(flags, ['--into', name, '--swap', '--yes', '--rate', '300']);
    const begun = async (): Promise<boolean> =>
      (await fixture.kafka.offsets(group).stored()).some(({ offset }) => offset > 0n);
    await until('some of it is stored', begun, killed);
    killed.signal('SIGKILL');
    await killed.ended;
  }
  const resumed = await ReplayProcess.start(flags, ['--into', name, '--swap', '--yes', '--resume']);
  await resumed.ended;
  expect(await fixture.kafka.offsets(group).stored()).toEqual([]);
  return resumed;
}

test('Redis: another database is filled and exchanged with the live one under load; no row is ever missing or goes back', async () => {
  await using topic = await fixture.topic();
  const flags = fixture.flags(topic, { 'sink.database': '2' });
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
}, 300_000);

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
}, 300_000);
