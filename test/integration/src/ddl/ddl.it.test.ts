import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openStack, type ServerKind, type StackBase } from '@tapline/test-stack';
import { replaySource, reportText, type SourceReport } from './corpus.ts';
import { RandomAlters } from './random-alters.ts';
import { DdlReplay } from './replay.ts';
import { ANY_CASE_SCRIPTS, DDL_SCRIPTS, MARIADB_SCRIPTS, MYSQL_SCRIPTS } from './scripts.ts';
import { DdlStory } from './story.ts';

/*
 * libs/schema reads statements out of the binlog; what it makes of them is held against what the server made of them, after each statement, and a row of each
 * changed table must come out of a binlog with MINIMAL metadata as SELECT gives it.
 *
 * TAPLINE_DDL_CORPUS: a folder of folders with SQL, one a source, to be replayed too; TAPLINE_DDL_SEED and TAPLINE_DDL_CASES: another story, or a longer one;
 * TAPLINE_DDL_SERVERS: only these servers.
 */

interface Server {
  readonly kind: ServerKind;
  /** Statements of a story, accepted or not. */
  readonly cases: number;
  readonly alters: number;
  /** Names are the same in any case (lower_case_table_names=1; 2 needs a file system that does not tell cases apart). */
  readonly anyCase?: true;
}

const SERVERS: readonly Server[] = [
  { kind: 'mysql', cases: 200, alters: 80 },
  { kind: 'mariadb', cases: 250, alters: 100 },
  // 8.0.31 dies of some of the random alterations.
  { kind: 'mysql80', cases: 120, alters: 0 },
  { kind: 'mysql57', cases: 150, alters: 0, anyCase: true },
  { kind: 'mariadb105', cases: 150, alters: 0, anyCase: true },
  { kind: 'mariadb118', cases: 200, alters: 80 },
];

const MINIMAL = { 'binlog-row-metadata': 'MINIMAL' };
const SPEED = { 'innodb-flush-method': 'nosync' };
const { TAPLINE_DDL_CORPUS: CORPUS, TAPLINE_DDL_SERVERS: CHOSEN, TAPLINE_DDL_CASES: CASES } = process.env;
const SEED = Number(process.env.TAPLINE_DDL_SEED ?? 2_139_234_145);
const LONG_MS = 7_200_000;

describe.each(SERVERS.filter(({ kind }) => CHOSEN === undefined || CHOSEN.split(',').includes(kind)))(
  'DDL out of the binlog of $kind',
  ({ kind, cases, alters, anyCase }) => {
    let stack: StackBase;
    let replay: DdlReplay;

    beforeAll(async () => {
      stack = await openStack({});
      const isMysql = kind.startsWith('mysql');
      const { address } = await stack.add(kind as 'mysql', {
        settings: {
          ...(kind === 'mysql57' ? {} : MINIMAL),
          ...(isMysql ? SPEED : {}),
          ...(anyCase === true ? { 'lower-case-table-names': '1' } : {}),
          'innodb-buffer-pool-size': '64M',
        },
      });
      replay = await DdlReplay.open(address);
    });

    afterAll(async () => {
      await replay?.[Symbol.asyncDispose]();
      await stack?.[Symbol.asyncDispose]();
    });

    const inDatabase = async (work: () => Promise<void>): Promise<void> => {
      await replay.run('CREATE DATABASE ddl DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci');
      await replay.prepare('USE ddl');
      try {
        await work();
        expect(await replay.compareAll()).toEqual([]);
      } finally {
        await replay.dropDatabases();
      }
    };

    const scripts = {
      ...DDL_SCRIPTS,
      ...(kind.startsWith('mysql') ? MYSQL_SCRIPTS : MARIADB_SCRIPTS),
      ...(anyCase === true ? ANY_CASE_SCRIPTS : {}),
    };
    // Older servers do not know all of it, which is no matter.
    const knowsAll = kind === 'mysql' || kind === 'mariadb118';

    test.each(Object.entries(scripts))('%s', async (name, statements) => {
      await inDatabase(async () => {
        for (const sql of statements) {
          const step = await replay.run(sql);
          expect({ sql, problems: step.problems }).toEqual({ sql, problems: [] });
          if (knowsAll || name in ANY_CASE_SCRIPTS)
            expect({ sql, refusal: step.refusal }).toEqual({ sql, refusal: undefined });
        }
      });
    });

    test(
      'a story of a schema',
      async () => {
        const story = new DdlStory(SEED, replay.dialect);
        const count = CASES === undefined ? cases : Number(CASES);
        let accepted = 0;
        await inDatabase(async () => {
          for (let i = 0; i < count; i++) {
            const sql = story.next([...replay.catalog.tables()].filter(({ database }) => database === 'ddl'));
            const step = await replay.run(sql);
            expect({ seed: SEED, i, sql, problems: step.problems }).toEqual({ seed: SEED, i, sql, problems: [] });
            if (step.accepted) accepted++;
          }
        });
        expect(accepted).toBeGreaterThan(count / 2);
      },
      LONG_MS,
    );

    if (alters > 0) {
      test('random alterations of one table, but for the lengths that unique keys get when their columns change type', async () => {
        const random = new RandomAlters(SEED);
        await inDatabase(async () => {
          await replay.run('CREATE TABLE t (a INT, b VARCHAR(10), c TEXT, id INT)');
          for (let i = 0; i < alters; i++) {
            const sql = random.alter();
            const problems = (await replay.run(sql)).problems.filter(
              (problem) => !problem.startsWith('ddl.t: unique keys:'),
            );
            expect({ sql, problems }).toEqual({ sql, problems: [] });
          }
          await replay.run('DROP TABLE t');
        });
      });
    }

    test('the scripts that come with the server', async () => {
      const report = await replaySource(replay, { folder: await replay.scriptFolder(), source: kind }, new Set());
      expect(report.problems).toEqual([]);
    });

    if (CORPUS !== undefined) {
      test(
        'statements of others',
        async () => {
          const seen = new Set<string>();
          const reports: SourceReport[] = [];
          for (const source of readdirSync(CORPUS).sort()) {
            reports.push(await replaySource(replay, { folder: join(CORPUS, source), source }, seen));
          }
          process.stdout.write(`${reportText(reports)}\n`);
          expect(reports.flatMap(({ problems }) => problems)).toEqual([]);
        },
        LONG_MS,
      );
    }
  },
);
