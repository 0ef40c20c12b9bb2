import { MYSQL, NAMED, type Server, type TypeColumn } from './column.ts';
import { plain } from './decoded-text.ts';

/** Two words that the character set has, without a comma: also the members of its ENUM and SET. */
type Words = readonly [string, string];

const LATIN: Words = ['abc', 'xyz'];

/** Every character set of MySQL and MariaDB but `binary`, which is no text. */
const SINGLE_BYTE: Readonly<Record<string, Words>> = {
  armscii8: ['հայ', 'աբգ'],
  ascii: LATIN,
  cp850: ['éß', 'ñ½'],
  cp852: ['żółw', 'čš'],
  cp866: ['Привет', 'ёж'],
  cp1250: ['żółw', 'čš€'],
  cp1251: ['Привет', 'ёж€'],
  cp1256: ['سلام', 'پچ€'],
  cp1257: ['ąžuolas', 'õ€'],
  dec8: ['éß', 'ñø'],
  geostd8: ['გამარჯობა', 'აბგ'],
  greek: ['αβγ', 'Ωώ'],
  hebrew: ['שלום', 'אבג'],
  hp8: ['éß', 'ñø'],
  keybcs2: ['čšž', 'ľôň'],
  koi8r: ['Привет', 'ё║'],
  koi8u: ['Привіт', 'їєґ'],
  // cp1252 in truth: € and the five bytes that ISO 8859-1 has no letter for.
  latin1: ['é€ß', 'Žœ…'],
  latin2: ['żółw', 'čš'],
  latin5: ['ığşİ', 'éß'],
  latin7: ['ąžuolas', 'õæ'],
  macce: ['żółw', 'čš'],
  macroman: ['éß', 'ñπ'],
  swe7: ['åäö', 'ÅÄÖ'],
  tis620: ['สวัสดี', 'ไทย'],
};

/** Among them characters whose second byte is a quote's, a backslash's or a bar's, and those of three and four bytes. */
const MULTI_BYTE: Readonly<Record<string, Words>> = {
  big5: ['中文許功蓋', '一二'],
  cp932: ['①ソ～∥表', 'ｱ髙'],
  eucjpms: ['①日本', 'ｱ髙丂'],
  euckr: ['한국어', '갂똠'],
  gb2312: ['中文', '一二'],
  gb18030: ['中ḿ😀é', '𠀀文'],
  gbk: ['中文縗', '誠文'],
  sjis: ['ソ能表', 'ｱ日本'],
  ucs2: ['中é', '一a'],
  ujis: ['日本ｱ', '丂文'],
  utf8mb3: ['äÿ中', '一'],
  utf8mb4: ['😀é', '中'],
  utf16: ['ä😀', '中'],
  utf16le: ['ä😀', '中'],
  utf32: ['ä😀', '中'],
};

const SERVERS_OF: Readonly<Record<string, readonly Server[]>> = { gb18030: MYSQL };

/** Each byte that a single-byte set gives a meaning or none; ascii ends at 0x7F. */
function everyByte(charset: string): string {
  const last = charset === 'ascii' ? 0x7f : 0xff;
  const bytes = Uint8Array.from({ length: last + 1 }, (_, byte) => byte);
  return `CONVERT(x'${Buffer.from(bytes).toString('hex')}' USING ${charset})`;
}

function columnsOf(charset: string, [one, two]: Words, longest: string): TypeColumn[] {
  const all = SERVERS_OF[charset];
  const of = (stem: string, type: string, values: readonly string[], servers = all): TypeColumn => ({
    name: `${stem}_${charset}`,
    type: `${type} CHARACTER SET ${charset}`,
    values,
    text: plain,
    ...(servers === undefined ? {} : { servers }),
  });
  // The catalogue alone does not tell members beyond the basic plane.
  const members = /[\u{10000}-\u{10ffff}]/u.test(one + two)
    ? NAMED.filter((server) => all?.includes(server) ?? true)
    : all;
  const words = [`'${one}'`, "''", `'${two}'`];
  return [
    of('c', 'char(10)', [...words, "' a b '"]),
    of('v', 'varchar(300)', [...words, longest, "'a\\\\b''c'"]),
    of('t', 'text', [...words, longest]),
    of('e', `enum('${one}','${two}')`, words, members),
    of('s', `set('${one}','${two}')`, [...words, `'${one},${two}'`], members),
  ];
}

/** CHAR, VARCHAR, TEXT, ENUM and SET in every character set. */
export function charsets(): TypeColumn[] {
  const single = Object.entries(SINGLE_BYTE).flatMap(([charset, words]) =>
    columnsOf(charset, words, everyByte(charset)),
  );
  const multi = Object.entries(MULTI_BYTE).flatMap(([charset, words]) =>
    columnsOf(charset, words, `REPEAT('${words[0]}', 50)`),
  );
  return [...single, ...multi];
}
