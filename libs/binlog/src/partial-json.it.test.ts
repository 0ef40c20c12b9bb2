import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TestSource } from './testing/source.ts';

const KEYS = ['a', 'b', 'ab', 'b c', 'ü😀', '"q\\', '', 'last', 'k'.repeat(300)];
const key = fc.constantFrom(...KEYS);

const scalar = fc.oneof(
  fc.integer({ min: -70_000, max: 70_000 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
  fc.string({ maxLength: 20, unit: 'grapheme' }),
  fc.nat({ max: 300 }).map((length) => 'y'.repeat(length)),
);
const { value: json } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.dictionary(key, tie('value'), { maxKeys: 6 }),
    fc.array(tie('value'), { maxLength: 6 }),
  ),
}));

const members = fc.dictionary(key, json, { maxKeys: 6 });

/** Long enough that a difference is shorter than the document, which is when MySQL writes one; at times so long that offsets take 4 bytes. */
const document = fc
  .record({
    a: fc.tuple(members, members, json).map(([outer, inner, b]) => ({ ...outer, a: inner, b: [b, inner] })),
    b: fc.array(json, { minLength: 1, maxLength: 6 }),
    '': members,
    rest: members,
    padding: fc.constantFrom(0, 500, 1000, 2000, 65_000, 66_000),
  })
  .map(({ rest, padding, ...fixed }) => ({ ...rest, ...fixed, padding: 'x'.repeat(padding) }));

const leg = fc.oneof(
  key.map((name) => `.${JSON.stringify(name)}`),
  fc.constantFrom('.a', '.b', '.a', '[0]', '[1]', '[3]', '[100]', '[last]', '[last-1]', '[last-9]'),
);
const path = fc
  .tuple(
    fc.constantFrom('$.a', '$.b', '$.a.a', '$.a.b', '$.b[0]', '$.""', '$'),
    fc.array(leg, { minLength: 1, maxLength: 2 }),
  )
  .map(([first, legs]) => `${first}${legs.join('')}`);
const sqlText = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`;
const sqlValue = fc.oneof(
  json.map((value) => `CAST(${sqlText(JSON.stringify(value))} AS JSON)`),
  fc.constantFrom(
    '1.230',
    "CAST('2020-01-02 03:04:05.6' AS DATETIME(6))",
    "x'00ff'",
    '18446744073709551615',
    "REPEAT('z', 66000)",
  ),
);
const pairs = fc.array(fc.tuple(path, sqlValue), { minLength: 1, maxLength: 3 });
const args = (given: readonly (readonly [string, string])[]): string =>
  given.map(([at, value]) => `, ${sqlText(at)}, ${value}`).join('');
type Change = (column: string) => string;
const change: fc.Arbitrary<Change> = fc.oneof(
  pairs.map(
    (given): Change =>
      (column) =>
        `JSON_SET(${column}${args(given)})`,
  ),
  pairs.map(
    (given): Change =>
      (column) =>
        `JSON_REPLACE(${column}${args(given)})`,
  ),
  fc.array(path, { minLength: 1, maxLength: 3 }).map(
    (paths): Change =>
      (column) =>
        `JSON_REMOVE(${column}${paths.map((at) => `, ${sqlText(at)}`).join('')})`,
  ),
  fc.tuple(pairs, path).map(
    ([given, at]): Change =>
      (column) =>
        `JSON_REMOVE(JSON_SET(${column}${args(given)}), ${sqlText(at)})`,
  ),
);

const isLong = process.env.TAPLINE_CHAOS === 'long';
const SEED = isLong ? Date.now() & 0x7fff_ffff : 4;
const DOCUMENTS = isLong ? 1000 : 60;
const CHANGES_EACH = 8;

describe.each(['mysql', 'mysql80'] as const)('JSON updates as differences on %s', (name) => {
  let source: TestSource;

  beforeAll(async () => {
    source = await TestSource.open(name);
    await source.root.execute("SET SESSION binlog_row_value_options = 'PARTIAL_JSON'");
  });

  afterAll(async () => {
    await source[Symbol.asyncDispose]();
  });

  test('the after image has the whole document that SELECT prints, whatever was set, replaced and removed', async () => {
    const { root } = source;
    // The columns before `j` make it the tenth JSON column: the second byte of the bitmap.
    const others = Array.from({ length: 9 }, (_, i) => `j${i} JSON`).join();
    await root.execute(`CREATE TABLE d (id INT PRIMARY KEY, ${others}, n INT NOT NULL, j JSON, k JSON, t TEXT)`);
    const documents = fc.sample(document, { numRuns: DOCUMENTS, seed: SEED });
    const changes = fc.sample(fc.tuple(change, change), { numRuns: DOCUMENTS * CHANGES_EACH, seed: SEED });
    const expected: (string | null)[][] = [];
    const statements = documents.flatMap((one, id) => [
      `INSERT INTO d (id, n, j, k, j3, t) VALUES (${id}, 0, ${sqlText(JSON.stringify(one))}, '{"a": [1]}', NULL, 'tail ${id}')`,
      ...changes.slice(id * CHANGES_EACH, (id + 1) * CHANGES_EACH).map(([j, k], i) => {
        const more = i % 3 === 0 ? `, k = ${k('k')}` : '';
        return `UPDATE d SET n = n + 1, j = ${j('j')}${more} WHERE id = ${id}`;
      }),
    ]);
    const start = await source.committed();
    for (const [i, statement] of statements.entries()) {
      await root.execute(statement).catch((error: unknown) => {
        throw new Error(`seed ${SEED}: ${statement}`, { cause: error });
      });
      const [row] = await root.query(`SELECT j, k, t FROM d WHERE id = ${Math.floor(i / (1 + CHANGES_EACH))}`);
      expected.push([...row!]);
    }
    const collected = await source.changesSince(start);
    const seen = collected.changes.map(({ after }) => after);
    expect({ seed: SEED, rows: seen.length }).toEqual({ seed: SEED, rows: statements.length });
    for (const [i, after] of seen.entries()) {
      const text = Buffer.from(after[13]!, 'hex').toString();
      expect({ seed: SEED, statement: statements[i], row: [after[11], after[12], text] }).toEqual({
        seed: SEED,
        statement: statements[i],
        row: expected[i],
      });
    }
    // The image before is the one after the change before it: it is never touched.
    for (const [i, { before, op }] of collected.changes.entries()) {
      if (op === 'update') expect(before).toEqual(seen[i - 1]);
    }
  });
});
