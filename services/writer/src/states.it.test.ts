import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type TopicWriter, testServers } from '@tapline/test-stack';
import { Store } from './search/testing/store.ts';
import { HBaseEyes } from './sinks/hbase/testing/eyes.ts';
import { seen, until, WriterFixture } from './testing/fixture.ts';
import { GuardedFront } from './testing/guarded-front.ts';
import { WriterProcess } from './testing/writer-process.ts';

let fixture: WriterFixture;

beforeAll(async () => {
  fixture = await WriterFixture.open();
});

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
});

/** How a store comes to refuse what the writer gives it, and how an operator ends that. */
interface Trouble {
  readonly code: string;
  begin(): Promise<unknown>;
  end(): Promise<unknown>;
}

/** A writer of one topic and what has become of its rows: each row that is published is to be committed only when the store has it. */
class Case implements AsyncDisposable {
  readonly #topic: TopicWriter;
  readonly #flags: Readonly<Record<string, string>>;
  #writer: WriterProcess | undefined;
  #rows = 0;

  private constructor(topic: TopicWriter, flags: Readonly<Record<string, string>>) {
    this.#topic = topic;
    this.#flags = flags;
  }

  /** A writer that runs and has applied a row. @param sink keys under `sink`, by the name of the case. @param more other keys. */
  static async open(
    sink: (name: string) => Readonly<Record<string, string>>,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Case> {
    const topic = await fixture.topic(1);
    const flags: Record<string, string> = { ...fixture.flags(topic), ...more };
    for (const flag of ['sink.address', 'sink.key', 'sink.versionPrefix']) delete flags[flag];
    for (const [key, value] of Object.entries(sink(topic.source.toLowerCase()))) flags[`sink.${key}`] = value;
    const made = new Case(topic, flags);
    await made.goesOn();
    return made;
  }

  /** The writer, new where it has ended, brings all rows to the store. */
  async goesOn(): Promise<void> {
    this.#writer ??= new WriterProcess(this.#flags);
    await this.#publish();
    const writer = this.#writer;
    const isAlive = (): boolean => {
      if (!writer.alive) throw new Error(`the writer has ended:\n${writer.log.slice(-4000)}`);
      return true;
    };
    await until('all is committed', () => isAlive() && fixture.caughtUp(this.#topic), writer);
    const consumes = async (): Promise<boolean> => isAlive() && (await writer.state())?.['writer'] === 'consuming';
    await until('the writer consumes', consumes, writer);
  }

  /** The writer says what is wrong and what to do, waits, and has nothing committed that the store does not have. */
  async waits({ code, begin, end }: Trouble): Promise<void> {
    const writer = this.#writer;
    if (writer === undefined) throw new Error('no writer');
    const committed = this.#rows;
    const retries = new RegExp(`^tapline_writer_retries_total\\{.*code="${code}".*\\} [1-9]`, 'm');
    await during(begin, end, async () => {
      await this.#publish();
      // Each answer is asked for once: between two the writer may meet something else, such as a connection that the store has closed.
      const state = await seen(
        code,
        () => writer.state(),
        (answer) => codeOf(answer) === code,
        writer,
      );
      expect(state).toMatchObject({ writer: 'retrying', error: { code, remedy: expect.stringMatching(/\w/) } });
      const retrying = /^tapline_writer_retrying\{.*\} 1$/m;
      await seen(
        'metrics',
        () => writer.metrics(),
        (text = '') => retrying.test(text) && retries.test(text),
        writer,
      );
      expect((await fixture.committed(this.#topic)).get(0)).toBe(String(committed));
    });
    await this.goesOn();
  }

  /** The writer waits for something that never comes, without an error, and says that it had better be started again. */
  async hangs({ begin, end }: Omit<Trouble, 'code'>): Promise<void> {
    const writer = this.#writer;
    if (writer === undefined) throw new Error('no writer');
    const isLive = (): Promise<boolean | undefined> => writer.isLive();
    await seen('/livez says yes', isLive, (live) => live === true, writer);
    await during(begin, end, async () => {
      await this.#publish();
      await seen('/livez says no', isLive, (live) => live === false, writer);
      await until('it is said', () => writer.log.includes('no sign of work for too long'), writer);
    });
    await this.goesOn();
    await seen('/livez says yes again', isLive, (live) => live === true, writer);
  }

  /** The writer ends with what is wrong and what to do, and has nothing committed that the store does not have. */
  async ends({ code, begin, end }: Trouble): Promise<void> {
    const writer = this.#writer;
    if (writer === undefined) throw new Error('no writer');
    const committed = this.#rows;
    await during(begin, end, async () => {
      await this.#publish();
      await until('the writer ends', () => !writer.alive, writer);
      expect(await writer.stop()).toBe(1);
      expect(writer.log).toMatch(new RegExp(`"code":"${code}".*"remedy":"\\w`));
      expect((await fixture.committed(this.#topic)).get(0)).toBe(String(committed));
    });
    this.#writer = undefined;
    await this.goesOn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer?.[Symbol.asyncDispose]();
    await this.#topic[Symbol.asyncDispose]();
  }

  async #publish(): Promise<void> {
    this.#rows++;
    this.#topic.put({ id: this.#rows, name: `row ${this.#rows}`, price: '1.00' });
    await this.#topic.sent();
  }
}

/** The store is given back as it was, however the case ends: other tests use it too. */
async function during(begin: Trouble['begin'], end: Trouble['end'], work: () => Promise<void>): Promise<void> {
  try {
    await begin();
    await work();
  } finally {
    await end();
  }
}

function codeOf(state: Awaited<ReturnType<WriterProcess['state']>>): unknown {
  const error = state?.['error'];
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

describe('a store that refuses is told with a code and a remedy, and nothing is committed that was not applied', () => {
  test('Redis: out of memory, a replica, too few replicas, a password', async () => {
    const { redis, server } = fixture;
    await using writer = await Case.open((name) => ({ address: server.address.address, key: `${name}:\${key}` }));
    const set = (name: string, value: string) => (): Promise<unknown> => redis.config('SET', name, value);
    await writer.waits({ code: 'SINK_REDIS_FULL', begin: set('maxmemory', '1'), end: set('maxmemory', '0') });
    await writer.waits({
      code: 'SINK_REDIS_READ_ONLY',
      // Its master is nobody: port 1.
      begin: () => redis.replicaof('127.0.0.1', 1),
      end: () => redis.replicaof('NO', 'ONE'),
    });
    await writer.waits({
      code: 'SINK_REDIS_READ_ONLY',
      begin: set('min-replicas-to-write', '1'),
      end: set('min-replicas-to-write', '0'),
    });
    await writer.ends({
      code: 'SINK_REDIS_ACCESS',
      begin: async () => {
        await redis.config('SET', 'requirepass', 'somebody set one');
        await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      },
      end: set('requirepass', ''),
    });
  });

  test('Redis answers nothing any more', async () => {
    const { server } = fixture;
    await using writer = await Case.open(
      (name) => ({ address: server.address.address, key: `${name}:\${key}`, timeoutMs: '600000' }),
      { 'admin.stalledMs': '1000' },
    );
    await writer.hangs({ begin: async () => server.pause(), end: async () => server.resume() });
  });

  test('Elasticsearch: a closed index, blocks of an operator and of a full disk, a password, a privilege', async () => {
    const { elasticsearch } = await testServers('elasticsearch');
    await using front = await GuardedFront.open(elasticsearch.url, 'right');
    const store = new Store(elasticsearch.url);
    let index = '';
    await using writer = await Case.open((name) => {
      index = name;
      return {
        type: 'elasticsearch',
        node: front.url,
        index,
        username: 'tapline',
        password: 'right',
        'types.decimal': 'keyword',
      };
    });
    const block = (name: string, on: true | null) => (): Promise<unknown> =>
      store.must('PUT', `${index}/_settings`, { [`index.blocks.${name}`]: on });
    await writer.waits({
      code: 'SINK_SEARCH_CLOSED',
      begin: () => store.must('POST', `${index}/_close`),
      end: () => store.must('POST', `${index}/_open`),
    });
    await writer.waits({ code: 'SINK_SEARCH_READ_ONLY', begin: block('write', true), end: block('write', null) });
    await writer.waits({
      code: 'SINK_SEARCH_FULL',
      begin: block('read_only_allow_delete', true),
      end: block('read_only_allow_delete', null),
    });
    await writer.ends({
      code: 'SINK_SEARCH_ACCESS',
      begin: async () => Promise.resolve((front.password = 'changed')),
      end: async () => Promise.resolve((front.password = 'right')),
    });
    await writer.ends({
      code: 'SINK_SEARCH_ACCESS',
      begin: async () => Promise.resolve((front.forbidden = '/_bulk')),
      end: async () => Promise.resolve((front.forbidden = undefined)),
    });
  });

  test('HBase: a read-only table, a disabled one', async () => {
    const { hbase } = await testServers('hbase');
    await using eyes = new HBaseEyes(hbase.master);
    let table = '';
    await using writer = await Case.open((name) => {
      table = name;
      return { type: 'hbase', masters: hbase.master, table };
    });
    await writer.waits({
      code: 'SINK_HBASE_READ_ONLY',
      begin: () => eyes.alter(table, 'READONLY', 'true'),
      end: () => eyes.alter(table, 'READONLY', 'false'),
    });
    await writer.waits({
      code: 'SINK_HBASE_DISABLED',
      begin: () => eyes.tableProcedure('DisableTable', table),
      end: () => eyes.tableProcedure('EnableTable', table),
    });
  });
});
