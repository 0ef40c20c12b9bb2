import { expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { Scene } from './scene.ts';
import { type Config, Service } from './service.ts';

interface ReaderState {
  readonly doing?: string;
  readonly failed?: { readonly code: string; readonly remedy?: string };
  readonly failures: number;
}

async function statesOf(service: Service): Promise<Readonly<Record<string, ReaderState>>> {
  return ((await service.state())['readers'] ?? {}) as Readonly<Record<string, ReaderState>>;
}

/** What belongs to the process stands once, beside the readers. */
function entryOf(config: Config): Config {
  const { admin: _, ...entry } = config;
  return entry;
}

const idsOf = async (scene: Scene): Promise<unknown[]> =>
  (await scene.topics.read(scene.topic('t'))).map(({ key }) => key?.['id']).toSorted((a, b) => Number(a) - Number(b));

test('three readers in one process: one is refused, one loses its rights while it runs, and the third goes on exact', async () => {
  const { mysql, mariadb, kafka } = await testServers('mysql', 'mariadb', 'kafka');
  await using shop = await Scene.open({ mysql, brokers: kafka.brokers });
  await using blog = await Scene.open({ mysql: mariadb, brokers: kafka.brokers });
  for (const { sql } of [shop, blog]) {
    await sql.run('CREATE TABLE t (id int PRIMARY KEY)', 'INSERT INTO t VALUES (1), (2)');
  }
  const broken = { ...entryOf(shop.readerConfig({ name: `${shop.source}_x`, source: { password: 'wrong' } })) };
  const config = {
    admin: { port: 0 },
    readers: { shop: entryOf(shop.readerConfig()), blog: entryOf(blog.readerConfig()), broken },
  };
  const service = await Service.start(shop.stack, 'reader', config);
  await shop.records(service, 't', 2);
  await blog.records(service, 't', 2);
  const states = await service.seen(
    'the broken one has failed',
    () => statesOf(service),
    ({ broken: told }) => told?.failed !== undefined,
  );
  expect(states['broken']?.failed).toMatchObject({
    code: 'SOURCE_ACCESS_DENIED',
    remedy: expect.stringContaining('source.password'),
  });
  expect((await service.errorOf('SOURCE_ACCESS_DENIED')).message).not.toContain('wrong');

  // A statement that nobody can publish ends that reader, and only that one.
  await blog.sql.run("SET SESSION binlog_format = 'STATEMENT'", 'UPDATE t SET id = 3 WHERE id = 2');
  await service.until('blog has failed', async () => (await statesOf(service))['blog']?.failed !== undefined);
  await shop.sql.run('INSERT INTO t VALUES (3), (4)', 'INSERT INTO t VALUES (5)');
  await shop.records(service, 't', 5);
  expect(service.running).toBe(true);
  expect(await service.saysReady()).toBe(false);
  expect((await statesOf(service))['shop']).toMatchObject({ doing: 'streaming', failures: 0 });
  const rows = (): Promise<number> => service.metric('tapline_reader_rows_total', `source="${shop.source}"`);
  await service.until('its rows are counted', async () => (await rows()) === 3);
  expect(await service.stop()).toBe(0);
  expect(await idsOf(shop)).toEqual([1, 2, 3, 4, 5]);
});

test('when every reader has failed the process ends with code 1; a file that is wrong is refused by the name of its entry', async () => {
  const { mysql, kafka } = await testServers('mysql', 'kafka');
  await using scene = await Scene.open({ mysql, brokers: kafka.brokers });
  const entry = (name: string): Config => entryOf(scene.readerConfig({ name, source: { password: 'wrong' } }));
  const readers = { one: entry(`${scene.source}_1`), two: entry(`${scene.source}_2`) };
  const failing = await Service.start(scene.stack, 'reader', { admin: { port: 0 }, readers });
  expect(await failing.ended()).toBe(1);
  expect(await failing.output()).toContain('every reader of this process has failed');

  const same = await Service.start(scene.stack, 'reader', { readers: { one: entry('same'), two: entry('same') } });
  expect(await same.ended()).toBe(2);
  expect(await same.output()).toContain('readers.one and readers.two have the same name');
  const unknown = await Service.start(scene.stack, 'reader', { readers: { one: { ...entry('a'), sorce: {} } } });
  expect(await unknown.ended()).toBe(2);
  expect(await unknown.output()).toMatch(/readers\.one: .*sorce/);
});
