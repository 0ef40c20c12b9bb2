import { writeFile } from 'node:fs/promises';
import { brotliCompressSync, constants } from 'node:zlib';
import { connect, type MysqlConnection } from '@tapline/mysql';
import { MULTI_BYTE } from '../charsets/multi-byte.ts';
import { TABLE_CELLS } from '../charsets/units.ts';
import { decodedByServer } from './decoded-by-server.ts';

/*
 * Makes single-byte.generated.ts and multi-byte.br from what a MySQL server says its character sets mean. To run again when MySQL gets a new one:
 *
 *   node libs/envelope/src/testing/build-charset-tables.ts 127.0.0.1 3306 root
 */

const SINGLE_BYTE = [
  'armscii8',
  'ascii',
  'cp1250',
  'cp1251',
  'cp1256',
  'cp1257',
  'cp850',
  'cp852',
  'cp866',
  'dec8',
  'geostd8',
  'greek',
  'hebrew',
  'hp8',
  'keybcs2',
  'koi8r',
  'koi8u',
  'latin1',
  'latin2',
  'latin5',
  'latin7',
  'macce',
  'macroman',
  'swe7',
  'tis620',
];

const HEAD =
  '// Made by testing/build-charset-tables.ts from a MySQL server: do not edit.\n\n/** The 256 characters of each single-byte character set; `?` where it has none. */\n';

async function singleByteModule(connection: MysqlConnection): Promise<string> {
  const lines: string[] = [];
  for (const charset of SINGLE_BYTE) {
    const decoded = await decodedByServer(connection, charset, { prefix: '', first: 0, last: 255, bytes: 1 });
    const units = decoded.map((text) => (text === null ? '003f' : text.slice(-4).toLowerCase()));
    lines.push(`  ${charset}: '${units.map((unit) => `\\u${unit}`).join('')}',\n`);
  }
  return `${HEAD}export const SINGLE_BYTE: Readonly<Record<string, string>> = {\n${lines.join('')}};\n`;
}

/** Each table: what the two bytes 0x8000 … 0xffff mean, differences from cell to cell as 16 bits little endian. */
async function multiByteTables(connection: MysqlConnection): Promise<Buffer> {
  const tables: Buffer[] = [];
  for (const { charset, prefix } of MULTI_BYTE) {
    const range = { prefix, first: 0x8000, last: 0xffff, bytes: 2 };
    const decoded = await decodedByServer(connection, charset, range);
    const table = Buffer.alloc(TABLE_CELLS * 2);
    let last = 0;
    decoded.forEach((text, cell) => {
      const unit = text === null || text.length !== 8 || text === '0000003F' ? 0 : Number.parseInt(text, 16);
      table.writeUInt16LE((unit - last) & 0xffff, cell * 2);
      last = unit;
    });
    tables.push(table);
  }
  return Buffer.concat(tables);
}

async function build(host: string, port: number, user: string): Promise<void> {
  await using connection = await connect({ host, port, user });
  await connection.execute('SET cte_max_recursion_depth = 100000');
  await writeFile(new URL('../charsets/single-byte.generated.ts', import.meta.url), await singleByteModule(connection));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
  const tables = brotliCompressSync(await multiByteTables(connection), { params });
  await writeFile(new URL('../charsets/multi-byte.br', import.meta.url), tables);
}

const [host = '127.0.0.1', port = '3306', user = 'root'] = process.argv.slice(2);
await build(host, Number(port), user);
