import { beforeAll, expect, test } from '@jest/globals';
import {
  type Change,
  change,
  neverAborted,
  type Places,
  type Sink,
  type SinkContext,
  SUITE_TOPIC,
  suiteTable,
} from '@tapline/sink';
import type { SqlAddress } from '@tapline/test-stack';
import { mysqlSink } from '../index.ts';
import { Scene, type TargetHas } from './scene.ts';

const signal = neverAborted();
const TABLE = suiteTable({ id: 'int', name: 'varchar(20)', at: 'datetime(6)' });

interface Given {
  readonly change: Change;
  readonly partition: number;
  readonly offset: number;
}

/** A row of the partition that its key says; one record a version, its offset the version less 1000. */
function row(version: number, id: number, name: string | undefined): Given {
  const made =
    name === undefined
      ? change(version, { id })
      : change(version, { id }, { id, name, at: '2026-01-02T03:04:05.678901' });
  return { change: made, partition: id % 3, offset: version - 1000 };
}

/** The writer that gives changes with their places. */
class Member implements AsyncDisposable {
  readonly sink: Sink;

  private constructor(sink: Sink) {
    this.sink = sink;
  }

  static async open(scene: Scene, world: Partial<World> = {}, given = {}): Promise<Member> {
    const { partitions = 3, settled = [], order = true } = world;
    const context: SinkContext = {
      ...scene.context,
      progress: {
        consumes: () => true,
        settledBelow: () => Promise.resolve(new Map([[SUITE_TOPIC, settled]])),
      },
      ...(order ? { order: { partitionsOf: () => Promise.resolve(partitions) } } : {}),
    };
    return new Member(await mysqlSink.open(scene.config(given), context));
  }

  async give(all: readonly Given[]): Promise<readonly string[]> {
    const { verdicts, errors } = await this.sink.apply(
      all.map((one) => one.change),
      signal,
      placesOf(all),
    );
    return verdicts.map((verdict, index) => errors.get(index)?.code ?? verdict);
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.sink[Symbol.asyncDispose]();
  }
}

interface World {
  readonly partitions: number;
  readonly settled: readonly number[];
  readonly order: boolean;
}

function placesOf(all: readonly Given[]): Places {
  return {
    at(index) {
      const { partition, offset } = all[index] as Given;
      return { topic: SUITE_TOPIC, partition, offset };
    },
  };
}

async function state(scene: Scene): Promise<string[]> {
  const rows = await scene.root.query(
    `SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${scene.db}_state' ORDER BY 1`,
  );
  const names = rows.map(([name]) => (name ?? '').replace(scene.db, 'db'));
  return names.filter((name) => name !== '__ddl').toSorted();
}

function offsets(scene: Scene): ReturnType<Scene['rows']> {
  return scene.root.query(
    `SELECT \`partition\`, next, version FROM \`${scene.db}_state\`.\`__offsets.${scene.db}.item\` WHERE \`partition\` >= 0 ORDER BY 1`,
  );
}

const OFFSETS = ['__offsets.db.item'];
const VERSIONS = ['__offsets_before.db.item', 'db.item'];

/** Tables that offsets guard, on the server that `open` gives. */
export function offsetCases(
  open: () => Promise<SqlAddress>,
  has: TargetHas = { triggers: true, rowLimit: true },
): void {
  let address: SqlAddress;

  beforeAll(async () => {
    address = await open();
  });

  const names = (scene: Scene): ReturnType<Scene['rows']> => scene.rows('id, name');

  test('offsets are stored with the rows, and what is not above them changes nothing, whoever gives it', async () => {
    await using scene = await Scene.open(address, TABLE);
    await using member = await Member.open(scene);
    const all = [
      row(1001, 1, 'a'),
      row(1002, 2, "it's \\"),
      row(1003, 1, 'b'),
      row(1004, 3, 'c'),
      row(1005, 3, undefined),
    ];
    expect(new Set(await member.give(all))).toEqual(new Set(['applied']));
    expect(await names(scene)).toEqual([
      ['1', 'b'],
      ['2', "it's \\"],
    ]);
    expect(await offsets(scene)).toEqual([
      ['0', '6', '1005'],
      ['1', '4', '1003'],
      ['2', '3', '1002'],
    ]);
    // The topic made anew: its offsets are small again, its versions are not.
    const again = { ...row(2000, 1, 'new'), offset: 0 };
    expect(await member.give([all[0] as Given, again])).toEqual(['stale', 'applied']);
    // A replay beside the writer, which does not come in the partitions' order as far as anybody knows.
    await using replay = await Member.open(scene, { order: false });
    expect(new Set(await replay.give(all))).toEqual(new Set(['stale']));
    expect(await state(scene)).toEqual(OFFSETS);
    expect(await names(scene)).toEqual([
      ['1', 'new'],
      ['2', "it's \\"],
    ]);
  });

  // Triggers write down what each of them does.
  (has.triggers ? test : test.skip)(
    'a member that comes late, in the middle of another one’s work, neither repeats nor leaves out',
    async () => {
      await using scene = await Scene.open(address, TABLE);
      await using first = await Member.open(scene, {}, { connections: 2, batchRows: 5 });
      await using second = await Member.open(scene, {}, { connections: 3, batchRows: 7 });
      const all = Array.from({ length: 600 }, (_, at) =>
        row(1001 + at, (at * 7) % 20, at % 11 === 0 ? undefined : `v${at}`),
      );
      const end = new Map<number, string>();
      for (const { change: one } of all) {
        if (one.after === null) end.delete(Number(one.key?.['id']));
        else end.set(Number(one.key?.['id']), String(one.after['name']));
      }
      // Each gives all of it in its order, by calls of other sizes: what one of them writes the other one does not, or the log would refuse it.
      await scene.root.execute('CREATE TABLE log (id INT, name VARCHAR(20), UNIQUE (name))');
      await first.give(all.slice(0, 1));
      for (const event of ['INSERT', 'UPDATE']) {
        await scene.root.execute(
          `CREATE TRIGGER log_${event} AFTER ${event} ON item FOR EACH ROW INSERT INTO log VALUES (NEW.id, NEW.name)`,
        );
      }
      const work = async (member: Member, size: number): Promise<void> => {
        for (let at = 0; at < all.length; at += size) {
          const given = all.slice(at, at + size);
          let open: readonly string[];
          do {
            open = (await member.give(given)).filter((verdict) => verdict !== 'applied' && verdict !== 'stale');
            // The other one has locks that it waits for in vain: it gives them again, as an engine does.
            expect(open.filter((verdict) => verdict !== 'SINK_MYSQL_BUSY')).toEqual([]);
          } while (open.length > 0);
        }
      };
      await Promise.all([work(first, 40), work(second, 25)]);
      expect(await names(scene)).toEqual([...end].sort(([a], [b]) => a - b).map(([id, name]) => [String(id), name]));
      const last = [0, 1, 2].map((partition) => all.findLast((given) => given.partition === partition) as Given);
      expect(await offsets(scene)).toEqual(
        last.map((given) => [String(given.partition), String(given.offset + 1), String(given.change.version)]),
      );
    },
  );

  test('a row that is refused ends its partition, whose offset stays in front of it', async () => {
    await using scene = await Scene.open(address, TABLE);
    await using member = await Member.open(scene);
    const all = [row(1001, 1, 'a'), row(1002, 4, 'much too long'.repeat(9)), row(1003, 1, 'b'), row(1004, 2, 'c')];
    expect(await member.give(all)).toEqual(['applied', 'SINK_MYSQL_VALUE', 'SINK_MYSQL_BUSY', 'applied']);
    expect(await offsets(scene)).toEqual([
      ['1', '2', '1001'],
      ['2', '5', '1004'],
    ]);
    await scene.root.execute('ALTER TABLE item MODIFY name VARCHAR(200)');
    expect(await member.give(all.slice(1, 3))).toEqual(['applied', 'applied']);
    expect(await names(scene)).toEqual([
      ['1', 'b'],
      ['2', 'c'],
      ['4', 'much too long'.repeat(9)],
    ]);
  });

  test('a row that is new in the source and there in the target is overwritten, with all that comes beside and behind it', async () => {
    await using scene = await Scene.open(
      address,
      TABLE,
      'CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(20), at DATETIME(6))',
    );
    await scene.root.execute("INSERT INTO item VALUES (2, 'seen', NULL), (7, 'seen', NULL)");
    await using member = await Member.open(scene, {}, { connections: 2 });
    expect(new Set(await member.give([row(1001, 1, 'a'), row(1002, 2, 'b'), row(1003, 4, 'c')]))).toEqual(
      new Set(['applied']),
    );
    expect(new Set(await member.give([row(1004, 5, 'd'), row(1005, 7, 'e')]))).toEqual(new Set(['applied']));
    expect(await names(scene)).toEqual([
      ['1', 'a'],
      ['2', 'b'],
      ['4', 'c'],
      ['5', 'd'],
      ['7', 'e'],
    ]);
    expect(await offsets(scene)).toEqual([
      ['1', '6', '1005'],
      ['2', '5', '1004'],
    ]);
  });

  test.each<[string, Partial<World>, Readonly<Record<string, unknown>>]>([
    ['changes that come without the order of partitions', { order: false }, {}],
    ['another number of partitions', { partitions: 6 }, {}],
    ['another mode', {}, { mode: 'strict' }],
  ])('%s: versions are kept from then on, by all members, and what was applied is so', async (_, world, given) => {
    await using scene = await Scene.open(address, TABLE);
    await using old = await Member.open(scene);
    const all = [row(1001, 1, 'a'), row(1002, 2, 'b'), row(1003, 1, 'c')];
    await old.give(all);
    expect(await state(scene)).toEqual(OFFSETS);
    await using other = await Member.open(scene, world, given);
    const next = { ...row(1010, 2, 'd'), change: { ...row(1010, 2, 'd').change, op: 'u' as const } };
    expect(await other.give([...all, next])).toEqual(['stale', 'stale', 'stale', 'applied']);
    expect(await state(scene)).toEqual(VERSIONS);
    // It does not know yet. Of the same row something older comes through another partition: the version says so.
    const moved = { ...row(1009, 2, 'late'), partition: 0 };
    expect(await old.give([...all, moved, row(1011, 1, 'e')])).toEqual(['stale', 'stale', 'stale', 'stale', 'applied']);
    expect(await names(scene)).toEqual([
      ['1', 'e'],
      ['2', 'd'],
    ]);
  });

  test('a writer that goes over to whole transactions leaves out what its offsets say was applied', async () => {
    await using scene = await Scene.open(address, TABLE);
    await using rows = await Member.open(scene);
    const all = [row(1001, 1, 'a'), row(1002, 2, 'b'), row(1003, 2, undefined), row(1004, 4, 'c')];
    await rows.give(all);
    // Not any more as the changes made them: whatever is applied once more is seen.
    await scene.root.execute("UPDATE item SET name = 'seen' WHERE id = 1");
    await scene.root.execute("INSERT INTO item VALUES (2, 'seen', NULL)");
    await using whole = await scene.transactions();
    await whole.takeOver(signal);
    const next = [...all, row(1005, 4, 'd'), row(1006, 5, 'e')];
    const { verdicts } = await whole.write(
      next.map((given) => given.change),
      placesOf(next),
      signal,
    );
    expect(verdicts).toEqual(['stale', 'stale', 'stale', 'stale', 'applied', 'applied']);
    await whole.commit({ version: 1006n, places: new Map([[`${SUITE_TOPIC}/2`, 7]]) }, signal);
    expect(await names(scene)).toEqual([
      ['1', 'seen'],
      ['2', 'seen'],
      ['4', 'd'],
      ['5', 'e'],
    ]);
    expect(await state(scene)).toEqual([...VERSIONS, '__places', '__transactions'].toSorted());
    // And back again: what came by whole transactions is applied, as its versions say.
    expect(await rows.give([...next, row(1007, 6, 'f')])).toEqual([...next.map(() => 'stale'), 'applied']);
  });

  test('versions are kept where a writer is in the middle of its topic, and where rows have other unique keys or texts as keys', async () => {
    const given = [row(1001, 1, 'a')];
    await using begun = await Scene.open(address, TABLE);
    await using late = await Member.open(begun, { settled: [0, 7] });
    expect(await late.give(given)).toEqual(['applied']);
    expect(await state(begun)).toEqual(['db.item']);
    await using unique = await Scene.open(
      address,
      TABLE,
      'CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(20), at DATETIME(6), UNIQUE (name))',
    );
    await using member = await Member.open(unique);
    expect(await member.give(given)).toEqual(['applied']);
    expect(await state(unique)).toEqual(['db.item']);
  });
}
