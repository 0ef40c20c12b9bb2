import { expect, test } from '@jest/globals';
import { hex } from '../testing/encode.ts';
import { decodeText } from './decode-text.ts';

test.each([
  ['latin1', '41 80 e9 81', 'A€é\u0081'],
  ['latin2', 'b1 e9', 'ąé'],
  ['cp1251', 'cf f0 e8', 'При'],
  ['swe7', '5b 5c 5d', 'ÄÖÅ'],
  ['koi8r', 'f0 d2', 'Пр'],
  ['ascii', '41 ff', 'A?'],
  ['hp8', 'a1', 'À'],
  ['ucs2', '00e9 4e2d', 'é中'],
  ['utf16', '00e9 d83dde00', 'é😀'],
  ['utf16le', 'e900 3dd800de', 'é😀'],
  ['utf32', '000000e9 0001f600', 'é😀'],
  ['utf8mb3', 'c3a9', 'é'],
  ['sjis', '5c 815f b1 93fa', '\\\\ｱ日'],
  ['cp932', '8160 1a 7f b1', '～\u001a\u007fｱ'],
  ['ujis', 'a4a2 8eb1 8fb0a1 a1c0', 'あｱ丂\\'],
  ['eucjpms', 'a1c1 ada1', '～①'],
  ['euckr', 'b0a1 8141', '가갂'],
  ['big5', 'a440 a145', '一•'],
  ['gbk', 'd6d0 8140', '中丂'],
  ['gb2312', 'd6d0 a1a4', '中・'],
  ['gb18030', 'd6d0 81308130 8135f437 90308130 e3329a35', '中\u0080\ue7c7\u{10000}\u{10ffff}'],
])('%s %s', (charset, digits, text) => {
  expect(decodeText(charset, hex(digits))).toBe(text);
});

test('a code without a meaning is ?, and a code cut short does not read on', () => {
  expect(decodeText('gbk', hex('fea0 41'))).toBe('?A');
  expect(decodeText('sjis', hex('93'))).toBe('?');
  expect(decodeText('gb18030', hex('813081'))).toMatch(/^\?/);
});

test('surrogates with and without their other half, at the edges too, become what JavaScript makes of them', () => {
  const kinds = ['41', 'e9', '4e2d', 'd83d', 'de00', 'ffff'].map((digits) => digits.padStart(4, '0'));
  for (let n = 0; n < 6 ** 4; n++) {
    const digits = [n, n / 6, n / 36, n / 216].map((x) => kinds[Math.floor(x) % 6]).join('');
    const utf16 = hex(digits).swap16().toString('utf16le');
    expect(decodeText('utf16', hex(digits))).toBe(Buffer.from(utf16).toString());
  }
});

test('an unknown character set is refused by its name', () => {
  expect(() => decodeText('klingon', hex('41'))).toThrow(
    expect.objectContaining({ code: 'SCHEMA_UNSUPPORTED', message: expect.stringContaining('klingon') }),
  );
});
