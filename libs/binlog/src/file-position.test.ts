import { describe, expect, test } from '@jest/globals';
import { FilePosition } from './file-position.ts';

describe('a place in the files of one server', () => {
  test.each([
    ['b.000001:100', 'b.000001:100', true],
    ['b.000001:100', 'b.000001:101', false],
    ['b.000002:4', 'b.000001:999999', true],
    ['b.000001:999999', 'b.000002:4', false],
    ['b.1000000:4', 'b.999999:100', true],
    ['my.log.000010:4', 'my.log.000009:100', true],
    ['b.000001:4', '', true],
    ['', 'b.000001:4', false],
    ['', '', true],
    ['other.000009:4', 'b.000001:4', false],
  ])('%s includes %s: %s', (passed, other, expected) => {
    expect(FilePosition.parse(passed).includes(FilePosition.parse(other))).toBe(expected);
  });

  test('moves, and is printed as it is read', () => {
    const place = FilePosition.parse('my.log.000007:12');
    place.add('', { file: 'my.log.000008', position: 157 });
    expect(place.toString()).toBe('my.log.000008:157');
    expect(FilePosition.parse('').toString()).toBe('');
  });

  test.each(['b.000001', ':4', 'b:x', 'uuid:1-5'])('%s is none', (text) => {
    expect(() => FilePosition.parse(text)).toThrow(expect.objectContaining({ code: 'SOURCE_GTID_INVALID' }));
  });
});
