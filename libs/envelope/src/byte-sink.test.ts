import { expect, test } from '@jest/globals';
import { GrowingSink } from './byte-sink.ts';

function write(sink: GrowingSink, text: string): void {
  sink.position = 0;
  sink.ensure(text.length);
  sink.position += sink.buffer.write(text);
}

test('what was written is seen whole, whatever lengths came before and however the buffer changed', () => {
  const sink = new GrowingSink(16);
  for (const length of [3, 3, 1, 0, 16, 17, 3, 5000, 4096, 4095, 3]) {
    const text = String.fromCharCode(0x61 + (length % 26)).repeat(length);
    write(sink, text);
    expect(sink.written().toString()).toBe(text);
  }
  sink.shrink(64);
  write(sink, 'abc');
  expect(sink.written().toString()).toBe('abc');
});

test('equal lengths share a view until the buffer is another', () => {
  const sink = new GrowingSink(16);
  write(sink, 'abc');
  const first = sink.written();
  write(sink, 'xyz');
  expect(sink.written()).toBe(first);
  write(sink, 'x'.repeat(100));
  write(sink, 'xyz');
  expect(sink.written()).not.toBe(first);
});
