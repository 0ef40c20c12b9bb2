import type { Column } from '@tapline/schema';
import { semantic } from '../avro-schema.ts';
import { INT_BYTES, putLength, putRaw, writeBytes } from '../avro-write.ts';
import type { ByteSink } from '../byte-sink.ts';
import { badValue, type ColumnCodec, plainColumn } from '../codec.ts';
import { readLittleEndian } from './digits.ts';

/*
 * ENUM travels as the member's number from 1 (0 is the error value ''), SET as a bit mask. SELECT gives the same numbers, because the texts could not tell the
 * error value from a member ''.
 */
const asNumber = (column: string): string => `CAST(${column} AS UNSIGNED)`;

/**
 * The catalogue shows `?` for a member's characters beyond the basic plane. The rows' own texts have them, and mean the same bytes as a number would: the
 * error value and a member '' are both written as ''.
 */
const ownTexts: Pick<ColumnCodec, 'fromText' | 'select'> = {
  fromText: (bytes, sink) => writeBytes(sink, bytes, 0, bytes.length),
  select: plainColumn,
};
const mayLack = ({ members }: Column): boolean => members?.some((member) => member.includes('?')) ?? false;

function allowed(members: readonly string[]): Readonly<Record<string, string>> {
  return { allowed: members.map((member) => member.replaceAll(',', '\\,')).join(',') };
}

export function enumCodec(column: Column): ColumnCodec {
  const members = (column.members ?? []).map((member) => Buffer.from(member));
  const texts = [Buffer.alloc(0), ...members];
  const write = (number: number, sink: ByteSink): void => {
    const text = texts[number];
    if (text === undefined) throw badValue(`Member ${number} of an enum that has ${members.length}`);
    writeBytes(sink, text, 0, text.length);
  };
  return {
    schema: semantic('string', 'io.debezium.data.Enum', allowed(column.members ?? [])),
    fromWire: (buffer, offset, length, sink) => write(readLittleEndian(buffer, offset, length), sink),
    fromText: (bytes, sink) => write(Number(bytes.toString('latin1')), sink),
    select: asNumber,
    ...(mayLack(column) ? ownTexts : {}),
  };
}

export function setCodec(column: Column): ColumnCodec {
  const members = (column.members ?? []).map((member) => Buffer.from(member));
  const longest = members.reduce((sum, member) => sum + member.length + 1, INT_BYTES);
  return {
    schema: semantic('string', 'io.debezium.data.EnumSet', allowed(column.members ?? [])),
    fromWire(buffer, offset, length, sink) {
      const low = readLittleEndian(buffer, offset, Math.min(length, 4));
      const high = length > 4 ? readLittleEndian(buffer, offset + 4, length - 4) : 0;
      putSet(sink, members, longest, low, high);
    },
    fromText(bytes, sink) {
      const mask = BigInt(bytes.toString('latin1'));
      putSet(sink, members, longest, Number(mask & 0xffff_ffffn), Number(mask >> 32n));
    },
    select: asNumber,
    ...(mayLack(column) ? ownTexts : {}),
  };
}

/** What `fromText` wants for a value given as its members' texts; undefined where the column has no such members. */
export function memberInput(column: Column, text: string): string | undefined {
  const { type, members = [] } = column;
  const numbers = (type === 'set' && text !== '' ? text.split(',') : [text]).map((one) => members.indexOf(one));
  if (type === 'set' && text === '') return mayLack(column) ? '' : '0';
  if (numbers.includes(-1)) return undefined;
  if (mayLack(column)) return text;
  if (type === 'enum') return String((numbers[0] as number) + 1);
  return String(numbers.reduce((mask, number) => mask | (1n << BigInt(number)), 0n));
}

/** The chosen members in the order of the column, with commas between, as MySQL prints them. */
function putSet(sink: ByteSink, members: readonly Buffer[], longest: number, low: number, high: number): void {
  let length = -1;
  for (let i = 0; i < 64; i++) {
    if (!hasBit(low, high, i)) continue;
    const member = members[i];
    if (member === undefined) throw badValue(`Member ${i + 1} of a set that has ${members.length}`);
    length += member.length + 1;
  }
  sink.ensure(longest);
  putLength(sink, Math.max(length, 0));
  let first = true;
  for (let i = 0; i < members.length; i++) {
    if (!hasBit(low, high, i)) continue;
    if (!first) sink.buffer[sink.position++] = 0x2c;
    first = false;
    const member = members[i] as Buffer;
    putRaw(sink, member, 0, member.length);
  }
}

function hasBit(low: number, high: number, bit: number): boolean {
  return bit < 32 ? ((low >>> bit) & 1) === 1 : ((high >>> (bit - 32)) & 1) === 1;
}
