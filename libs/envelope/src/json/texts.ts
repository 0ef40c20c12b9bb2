import { type ByteSink, viewOf } from '../byte-sink.ts';

/** Read beyond the end of a text, and written beyond the end of what is copied, at most. */
const PAD_BYTES = 8;
/** Above this a call into native code is faster. */
const WORDS_BYTES = 512;

/** Constant texts one behind the other, to be copied in words of eight bytes. */
export class Texts {
  readonly buffer: Buffer;
  readonly view: DataView;
  /** Where each one ends: where the next one starts. */
  readonly ends: Int32Array;

  constructor(texts: readonly string[]) {
    let end = 0;
    this.ends = Int32Array.from(texts, (text) => {
      end += Buffer.byteLength(text);
      return end;
    });
    this.buffer = Buffer.alloc(end + PAD_BYTES, texts.join(''));
    this.view = viewOf(this.buffer);
  }
}

/** A constant text. */
export class Text {
  readonly buffer: Buffer;
  readonly view: DataView;
  readonly length: number;

  constructor(text: string) {
    this.length = Buffer.byteLength(text);
    this.buffer = Buffer.alloc(this.length + PAD_BYTES);
    this.buffer.write(text);
    this.view = viewOf(this.buffer);
  }
}

/** A text that is made anew from time to time; what is read of it is the same as of a constant one. */
export function putText(sink: ByteSink, { buffer, view, length }: Pick<Text, 'buffer' | 'view' | 'length'>): void {
  if (length > WORDS_BYTES) {
    sink.ensure(length);
    sink.position += buffer.copy(sink.buffer, sink.position, 0, length);
  } else {
    putPadded(sink, view, 0, length, 0);
  }
}

/** Ensures room for the text and `spare` bytes more, and appends it. The last word may go over the end: what comes next is written over it. */
export function putPadded(sink: ByteSink, from: DataView, offset: number, length: number, spare: number): void {
  sink.ensure(length + PAD_BYTES + spare);
  const to = sink.view;
  const { position } = sink;
  for (let i = 0; i < length; i += 8) to.setBigInt64(position + i, from.getBigInt64(offset + i, true), true);
  sink.position = position + length;
}
