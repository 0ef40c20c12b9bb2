import { describe, expect, test } from '@jest/globals';
import { Fields, MessageWriter, takeDelimited } from './message.ts';

function read(bytes: Buffer): [number, number | string][] {
  const fields = new Fields(bytes);
  const found: [number, number | string][] = [];
  let last = '';
  while (fields.next()) {
    found.push([fields.field, fields.text === last ? fields.number : fields.text]);
    last = fields.text;
  }
  return found;
}

describe('messages', () => {
  test('numbers, texts and messages are read as they were written, whatever buffer they needed', () => {
    const writer = new MessageWriter(4);
    writer.uint(1, 0);
    writer.uint(2, 300);
    writer.text(3, 'zażółć');
    const inside = writer.open(1000);
    writer.uint(1, 4_294_967_295);
    writer.close(inside);
    const bytes = writer.finish();
    expect(read(bytes).slice(0, 3)).toEqual([
      [1, 0],
      [2, 300],
      [3, 'zażółć'],
    ]);
    const fields = new Fields(bytes);
    for (let field = 0; field < 4; field++) fields.next();
    expect(fields.field).toBe(1000);
    expect(read(fields.bytes)).toEqual([[1, 4_294_967_295]]);
    expect(fields.next()).toBe(false);
  });

  test.each([0n, 1n, 127n, 128n, 2n ** 28n - 1n, 2n ** 28n, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n])(
    'the long %s is written with every bit',
    (value) => {
      const writer = new MessageWriter();
      writer.long(1, value);
      const bytes = writer.finish().subarray(1);
      let read = 0n;
      for (const byte of bytes.toReversed()) read = (read << 7n) | BigInt(byte & 127);
      expect(read).toBe(value);
      expect([...bytes].map((byte) => byte > 127)).toEqual([...bytes].map((_, at) => at < bytes.length - 1));
    },
  );

  test('what is cut away is not there', () => {
    const writer = new MessageWriter();
    writer.uint(1, 1);
    const { length } = writer;
    writer.text(2, 'gone');
    writer.cut(length);
    writer.uint(3, 3);
    expect(read(writer.finish())).toEqual([
      [1, 1],
      [3, 3],
    ]);
  });

  test('a message that ends too early is a RangeError', () => {
    const writer = new MessageWriter();
    writer.text(1, 'a text');
    const bytes = writer.finish();
    for (let length = 1; length < bytes.length; length++) {
      expect(() => new Fields(bytes.subarray(0, length)).next()).toThrow(RangeError);
    }
    expect(() => takeDelimited(Buffer.from([128]))).toThrow(RangeError);
  });

  test('a delimited message is parted from what follows it', () => {
    const { message, rest } = takeDelimited(Buffer.from([0x82, 0x80, 0, 1, 2, 3]));
    expect([[...message], [...rest]]).toEqual([[1, 2], [3]]);
  });
});
