import type { TaplineError } from '@tapline/kernel';
import { classifyMysqlError, type MysqlAddress } from '@tapline/mysql';

/** What an ERR packet says, in the shape of a driver's error. */
export interface ServerError {
  readonly errno?: number;
  /** Node's or the driver's code: ETIMEDOUT, PROTOCOL_CONNECTION_LOST. */
  readonly code?: string;
  readonly message: string;
}

/** ERR_Packet: 0xff · errno u16 · '#' and SQLSTATE 5 · text. */
export function readErrPacket(buffer: Buffer, start: number, end: number): ServerError {
  if (end - start < 3) return { message: 'an error packet that is cut short' };
  const textAt = buffer[start + 3] === 0x23 ? start + 9 : start + 3;
  return { errno: buffer.readUInt16LE(start + 1), message: buffer.toString('utf8', Math.min(textAt, end), end) };
}

/** An error of the server, the driver or the network as ours, with the place in the binlog where it came. */
export function sourceError(error: unknown, address: MysqlAddress, position?: string): TaplineError {
  return classifyMysqlError(error, address, position === undefined ? {} : { position });
}
