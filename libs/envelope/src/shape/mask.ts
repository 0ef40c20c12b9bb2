import type { Column } from '@tapline/schema';
import { writeBytes, writeString } from '../avro-write.ts';
import { type ByteSink, GrowingSink } from '../byte-sink.ts';
import type { ColumnCodec } from '../codec.ts';
import { misfit } from './misfit.ts';

/** Writes the mask of a type, checked to be a value that the column could have. */
type PutMask = (text: string, column: Column, codec: ColumnCodec, sink: ByteSink) => void;

/** A mask once and for all in Avro: what the column's values are replaced by. @throws TaplineError SHAPE_MISMATCH. */
export function maskBytes(column: Column, codec: ColumnCodec, text: string): Buffer {
  const put = MASKS.get(column.type);
  if (put === undefined) {
    throw misfit(`A column of type ${column.columnType} cannot be masked.`, 'Exclude or hash it.');
  }
  const sink = new GrowingSink(256);
  put(text, column, codec, sink);
  return Buffer.from(sink.written());
}

const putText: PutMask = (text, _column, _codec, sink) => writeString(sink, text);

const putBinary: PutMask = (text, column, _codec, sink) => {
  const bytes = Buffer.from(text);
  const width = column.type === 'binary' ? (column.length ?? 1) : bytes.length;
  if (bytes.length > width) throw wrong(column, text, `at most ${width} bytes`);
  writeBytes(sink, Buffer.concat([bytes, Buffer.alloc(width - bytes.length)]), 0, width);
};

/** Through the column's own codec, of a text as SELECT prints it. */
const asSelected =
  (form: RegExp, expected: string): PutMask =>
  (text, column, codec, sink) => {
    if (!form.test(text)) throw wrong(column, text, expected);
    codec.fromText(Buffer.from(text), sink);
  };

const INTEGER_BITS: Readonly<Record<string, bigint>> = {
  tinyint: 8n,
  smallint: 16n,
  mediumint: 24n,
  int: 32n,
  integer: 32n,
  bigint: 64n,
};

const putInteger: PutMask = (text, column, codec, sink) => {
  const bits = INTEGER_BITS[column.type] ?? 64n;
  const [min, max] = column.unsigned ? [0n, (1n << bits) - 1n] : [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];
  const expected = `an integer from ${min} to ${max}`;
  if (!/^-?[0-9]{1,20}$/.test(text) || BigInt(text) < min || BigInt(text) > max) throw wrong(column, text, expected);
  codec.fromText(Buffer.from(text), sink);
};

const putDecimal: PutMask = (text, column, codec, sink) => {
  const { precision = 10, scale = 0 } = column;
  const [, digits = '', fraction = ''] = /^-?([0-9]+)(?:\.([0-9]+))?$/.exec(text) ?? [];
  const fits = digits !== '' && digits.replace(/^0+/, '').length <= precision - scale && fraction.length <= scale;
  if (!fits) throw wrong(column, text, `a decimal(${precision},${scale})`);
  const missing = '0'.repeat(scale - fraction.length);
  const point = fraction === '' && scale > 0 ? '.' : '';
  codec.fromText(Buffer.from(`${text}${point}${missing}`), sink);
};

const putTimestamp: PutMask = (text, column, _codec, sink) => {
  const [, date = '', clock = '', fraction = ''] = TIMESTAMP.exec(text) ?? [];
  const fsp = column.fsp ?? 0;
  if (date === '' || fraction.length > fsp) throw wrong(column, text, '2000-01-01 00:00:00, in UTC');
  writeString(sink, `${date}T${clock}${fsp > 0 ? `.${fraction.padEnd(fsp, '0')}` : ''}Z`);
};

const putMembers: PutMask = (text, column, _codec, sink) => {
  const members = column.members ?? [];
  const chosen = column.type === 'set' ? text.split(',') : [text];
  if (text !== '' && !chosen.every((member) => members.includes(member))) {
    throw wrong(column, text, `among ${members.join(', ')}`);
  }
  writeString(sink, text);
};

const putJson: PutMask = (text, column, _codec, sink) => {
  try {
    JSON.parse(text);
  } catch {
    throw wrong(column, text, 'JSON');
  }
  writeString(sink, text);
};

const putBits: PutMask = (text, column, codec, sink) => {
  const bits = column.length ?? 1;
  if (!/^[0-9]{1,20}$/.test(text) || BigInt(text) >= 1n << BigInt(bits))
    throw wrong(column, text, `${bits} bits as a number`);
  const width = Math.ceil(bits / 8);
  codec.fromText(
    Buffer.from(
      BigInt(text)
        .toString(16)
        .padStart(width * 2, '0'),
      'hex',
    ),
    sink,
  );
};

const TIMESTAMP = /^([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6}))?$/;
const DATETIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?$/;
const FLOAT = /^-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?$/i;

const MASKS: ReadonlyMap<string, PutMask> = new Map<string, PutMask>([
  ...['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext'].map((type) => [type, putText] as const),
  ...['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'].map((type) => [type, putBinary] as const),
  ...Object.keys(INTEGER_BITS).map((type) => [type, putInteger] as const),
  ['decimal', putDecimal],
  ['numeric', putDecimal],
  ...['float', 'double', 'real'].map((type) => [type, asSelected(FLOAT, 'a number')] as const),
  ['year', asSelected(/^(?:0000|19[0-9]{2}|20[0-9]{2}|21[0-5][0-9])$/, 'a year')],
  ['date', asSelected(/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/, '2000-01-01')],
  ['datetime', asSelected(DATETIME, '2000-01-01 00:00:00')],
  ['time', asSelected(/^-?[0-9]{2,3}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?$/, '00:00:00')],
  ['timestamp', putTimestamp],
  ['enum', putMembers],
  ['set', putMembers],
  ['json', putJson],
  ['bit', putBits],
]);

function wrong(column: Column, text: string, expected: string): Error {
  return misfit(`The mask ${JSON.stringify(text)} is no value of type ${column.columnType}: expected is ${expected}.`);
}
