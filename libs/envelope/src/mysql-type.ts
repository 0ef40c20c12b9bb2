import type { Column } from '@tapline/schema';

/** One type under several names; MariaDB's last three are BINARY in the binlog. */
const SAME_TYPE: Readonly<Record<string, string>> = {
  geometrycollection: 'geomcollection',
  integer: 'int',
  numeric: 'decimal',
  real: 'double',
  uuid: 'binary',
  inet6: 'binary',
  inet4: 'binary',
};

/** A column's type with the digits of its fraction, without lengths. */
export function typeName(column: Column): string {
  const fsp = column.fsp ?? 0;
  return `${SAME_TYPE[column.type] ?? column.type}${fsp > 0 ? `(${fsp})` : ''}${column.unsigned ? ' unsigned' : ''}`;
}
