import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect, type MysqlConnection } from '@tapline/mysql';
import { testServers } from '@tapline/test-stack';
import { decodedByServer } from '../testing/decoded-by-server.ts';
import { decodeText } from './decode-text.ts';

/** All codes of one and two bytes, and of three and four where a character set has them. */
const RANGES = [
  { prefix: '', first: 0, last: 0xff, bytes: 1, of: /^(?!ucs2|utf)/ },
  { prefix: '', first: 0x8000, last: 0xffff, bytes: 2, of: /^(?!utf32)/ },
  { prefix: '', first: 0, last: 0x7fff, bytes: 2, of: /^(ucs2|utf16)/ },
  { prefix: 'd83d', first: 0xdc00, last: 0xdfff, bytes: 2, of: /^utf16$/ },
  { prefix: '0001', first: 0, last: 0xffff, bytes: 2, of: /^utf32$/ },
  { prefix: '8f', first: 0xa000, last: 0xffff, bytes: 2, of: /ujis|eucjpms/ },
  { prefix: '8135', first: 0xf430, last: 0xf439, bytes: 2, of: /gb18030/ },
  { prefix: '8136', first: 0xa530, last: 0xa539, bytes: 2, of: /gb18030/ },
  { prefix: '8431', first: 0xa430, last: 0xa439, bytes: 2, of: /gb18030/ },
  { prefix: '9030', first: 0x8130, last: 0x8139, bytes: 2, of: /gb18030/ },
  { prefix: 'e332', first: 0x9a30, last: 0x9a35, bytes: 2, of: /gb18030/ },
] as const;

let server: MysqlConnection;

beforeAll(async () => {
  server = await connect((await testServers('mysql')).mysql);
  await server.execute('SET cte_max_recursion_depth = 100000');
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test('every code of every character set is decoded as the server decodes it', async () => {
  const charsets = await server.query('SELECT CHARACTER_SET_NAME FROM information_schema.CHARACTER_SETS ORDER BY 1');
  const different: unknown[] = [];
  for (const charset of charsets.map(([name]) => name as string)) {
    if (charset === 'binary' || charset.startsWith('utf8')) continue;
    for (const range of RANGES.filter(({ of }) => of.test(charset))) {
      const decoded = await decodedByServer(server, charset, range);
      decoded.forEach((text, i) => {
        // Ill-formed, or cut short: such bytes cannot be in a column.
        if (text === null || text === '') return;
        const bytes = Buffer.from(range.prefix + (range.first + i).toString(16).padStart(range.bytes * 2, '0'), 'hex');
        const seen = utf32(decodeText(charset, bytes));
        // Likewise a second code that is cut short, which the server leaves out.
        if (seen !== text && seen !== `${text}0000003F`) different.push([charset, bytes.toString('hex'), seen, text]);
      });
    }
  }
  expect(different.slice(0, 20)).toEqual([]);
});

function utf32(text: string): string {
  return Array.from(text, (character) => (character.codePointAt(0) as number).toString(16).padStart(8, '0'))
    .join('')
    .toUpperCase();
}
