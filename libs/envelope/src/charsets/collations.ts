/** Collation ids by character set, of MySQL and MariaDB. */
const IDS: readonly (readonly [string, string])[] = [
  ['armscii8', '32 64'],
  ['ascii', '11 65'],
  ['big5', '1 84'],
  ['binary', '63'],
  ['cp1250', '26 34 44 66 99'],
  ['cp1251', '14 23 50-52'],
  ['cp1256', '57 67'],
  ['cp1257', '29 58-59'],
  ['cp850', '4 80'],
  ['cp852', '40 81'],
  ['cp866', '36 68'],
  ['cp932', '95-96'],
  ['dec8', '3 69'],
  ['eucjpms', '97-98'],
  ['euckr', '19 85'],
  ['gb18030', '248-250'],
  ['gb2312', '24 86'],
  ['gbk', '28 87'],
  ['geostd8', '92-93'],
  ['greek', '25 70'],
  ['hebrew', '16 71'],
  ['hp8', '6 72'],
  ['keybcs2', '37 73'],
  ['koi8r', '7 74'],
  ['koi8u', '22 75'],
  ['latin1', '5 8 15 31 47-49 94'],
  ['latin2', '2 9 21 27 77'],
  ['latin5', '30 78'],
  ['latin7', '20 41-42 79'],
  ['macce', '38 43'],
  ['macroman', '39 53'],
  ['sjis', '13 88'],
  ['swe7', '10 82'],
  ['tis620', '18 89'],
  ['ucs2', '35 90 128-151 159 640-642'],
  ['ujis', '12 91'],
  ['utf16', '54-55 101-124 672-674'],
  ['utf16le', '56 62'],
  ['utf32', '60-61 160-183 736-738'],
  ['utf8mb3', '33 76 83 192-215 223 576-578'],
  ['utf8mb4', '45-46 224-247 255-271 273-275 277-294 296-298 300 303-323 608-610'],
];

/** MariaDB's collations that do not pad have the id of the padding one and this. */
const NO_PAD = 1024;
/** MariaDB's UCA 14.0 collations: 256 ids for each of these, from 2048. */
const UCA_1400: readonly string[] = ['utf8mb3', 'utf8mb4', 'ucs2', 'utf16', 'utf32'];

const byId = new Map<number, string>();
for (const [charset, ranges] of IDS) {
  for (const range of ranges.split(' ')) {
    const [first = 0, last = first] = range.split('-').map(Number);
    for (let id = first; id <= last; id++) byId.set(id, charset);
  }
}

/** The character set of a collation id; undefined for one that is newer than this table. */
export function charsetOfCollation(id: number): string | undefined {
  if (id >= 2 * NO_PAD) return UCA_1400[(id - 2 * NO_PAD) >> 8];
  return byId.get(id >= NO_PAD ? id - NO_PAD : id);
}
