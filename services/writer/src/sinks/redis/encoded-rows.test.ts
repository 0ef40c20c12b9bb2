import { expect, test } from '@jest/globals';
import { type Change, decoder } from '@tapline/sink';
import { compileTemplate } from '../../naming/template.ts';
import { CallEncoder } from './encode.ts';
import { guardScript } from './script.ts';
import { redisConfig } from './testing/bench.ts';

const ROW = {
  type: 'record',
  name: 'Value',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'name', type: ['null', 'string'] },
    { name: 'n', type: ['null', 'int'] },
    { name: 'big', type: 'long' },
    { name: 'raw', type: ['null', 'bytes'] },
  ],
};
const STRINGS = ['name', 'db', 'table'].map((name) => ({ name, type: 'string' }));
const VALUE = JSON.stringify({
  type: 'record',
  name: 'Envelope',
  fields: [
    { name: 'before', type: ['null', ROW] },
    { name: 'after', type: ['null', 'Value'] },
    { name: 'source', type: { type: 'record', name: 'Source', fields: STRINGS } },
    { name: 'op', type: 'string' },
  ],
});
const KEY = JSON.stringify({ type: 'record', name: 'Key', fields: [{ name: 'id', type: 'int' }] });

/** Avro's zigzag numbers, of one to ten bytes. */
function long(value: bigint): number[] {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80);
  return [...bytes, Number(left)];
}

function sized(bytes: Uint8Array): number[] {
  return [...long(BigInt(bytes.length)), ...bytes];
}

interface Given {
  readonly name: string | null;
  readonly n: number | null;
  readonly raw: Uint8Array | null;
}

function insert({ name, n, raw }: Given): Buffer {
  const text = (value: string): number[] => sized(Buffer.from(value));
  return Buffer.from([
    ...[0, 0, 0, 0, 2, 0, 2, ...long(-7n)],
    ...(name === null ? [0] : [2, ...text(name)]),
    ...(n === null ? [0] : [2, ...long(BigInt(n))]),
    ...long(2n ** 62n),
    ...(raw === null ? [0] : [2, ...sized(raw)]),
    ...['source', 'shop', 'people', 'c'].flatMap(text),
  ]);
}

async function commandOf(value: Buffer, encoded: boolean, given: Readonly<Record<string, unknown>>): Promise<string> {
  const schemas = ['', KEY, VALUE];
  const registry = { schema: (id: number) => Promise.resolve(schemas[id] as string) };
  const claims = { value: () => Promise.reject(new Error('there is none')) };
  const decode = decoder({ registry, claims, signal: new AbortController().signal, encoded });
  const headers = Buffer.from([2, 2, 0x76, 16, 0, 0, 0, 0, 0, 0, 0, 9]);
  const key = Buffer.from([0, 0, 0, 0, 1, ...long(-7n)]);
  const record = { offset: 0n, timestampMs: 0, key, value, headers };
  const change: Change = await decode({ topic: 'source.shop.people', partition: 0 }, record);
  const config = redisConfig(given);
  const template = compileTemplate('', { path: 'sink.value', row: true, nullText: '' });
  const encoder = new CallEncoder(config, guardScript(config), template);
  encoder.begin('p:');
  encoder.add(0, 'people:-7', change);
  return encoder.call.end().bytes.toString('latin1');
}

/** The number of arguments is two digits wide, as five columns may need, so that it can be filled in. */
function withoutZero(command: string): string {
  return command.replace(/\$2\r\n0(\d)\r\n/, (_, digit: string) => `$1\r\n${digit}\r\n`);
}

const ROWS: readonly Given[] = [
  { name: 'plain', n: 0, raw: Buffer.from('abc') },
  { name: 'Ä'.repeat(40), n: -2_147_483_648, raw: Buffer.alloc(300, 0xff) },
  { name: '', n: 2_147_483_647, raw: null },
  { name: null, n: null, raw: null },
  { name: 'x'.repeat(31), n: 10, raw: Buffer.alloc(0) },
];

test.each([{}, { nullText: '∅' }])(
  'a row from its bytes is the command that its values make, with %j',
  async (given) => {
    for (const row of ROWS) {
      const value = insert(row);
      expect(withoutZero(await commandOf(value, true, given))).toBe(await commandOf(value, false, given));
    }
  },
);

test('a column with the name of the version is refused', async () => {
  const refused = commandOf(insert(ROWS[0] as Given), true, { versionField: 'name' });
  await expect(refused).rejects.toMatchObject({ code: 'SINK_KEY' });
});
