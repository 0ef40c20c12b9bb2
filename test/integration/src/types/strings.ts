import { MARIADB_SERVERS, MYSQL, NAMED, type TypeColumn } from './column.ts';
import { hex, plain } from './decoded-text.ts';

function texts(): TypeColumn[] {
  const european = ["'é€ß'", "''", "' a '", "'it''s'", "'back\\\\slash'"];
  const of = (name: string, type: string, values: readonly string[]): TypeColumn => ({
    name,
    type: `${type} CHARACTER SET utf8mb4`,
    values,
    text: plain,
  });
  return [
    of('c_0', 'char(0)', ["''"]),
    of('c_10', 'char(10)', ["'😀é中'", "''", "'a  '", "'\\0'", "'\\n\\r'"]),
    of('c_255', 'char(255)', ["REPEAT('😀', 255)", "'x'", "''"]),
    of('v_0', 'varchar(0)', ["''"]),
    of('v_20', 'varchar(20)', ["'ä😀'", "''", "' a '", "'a\\0b\\n'", "'\\\\'"]),
    of('v_63', 'varchar(63)', ["REPEAT('é', 63)", "REPEAT('😀', 63)", "''"]),
    of('v_64', 'varchar(64)', ["REPEAT('é', 64)", "REPEAT('😀', 64)", "''"]),
    of('v_300', 'varchar(300)', ["REPEAT('中', 300)", ...european.slice(1)]),
    of('t_tiny', 'tinytext', european),
    of('t_text', 'text', ["REPEAT('😀', 16383)", "''", "'x'"]),
    of('t_medium', 'mediumtext', ["REPEAT('x', 70000)", "''", "'ä'"]),
    {
      name: 'v_pressed',
      type: 'varchar(300) COMPRESSED CHARACTER SET utf8mb4',
      values: ["REPEAT('中', 300)", "''", "'ä'"],
      text: plain,
      servers: MARIADB_SERVERS,
    },
    {
      name: 't_pressed',
      type: 'text COMPRESSED CHARACTER SET latin1',
      values: ["REPEAT('é', 10000)", "''", "'€'"],
      text: plain,
      servers: MARIADB_SERVERS,
    },
    of('t_long', 'longtext', ["REPEAT('ü', 70000)", "''", "'x'", "'\\t'", "'😀'"]),
  ];
}

function binaries(): TypeColumn[] {
  const values = ["x''", "x'00'", "x'FF00FE'", "x'61620000'", "x'275C0A'"];
  const of = (name: string, type: string, given: readonly string[] = values): TypeColumn => ({
    name,
    type,
    values: given,
    select: `HEX(${name})`,
    text: hex,
  });
  return [
    of('b_fixed', 'binary(4)'),
    of('b_wide', 'binary(255)', [...values, "REPEAT(x'FF', 255)"]),
    of('b_short', 'varbinary(255)', [...values, "REPEAT(x'00', 255)"]),
    of('b_var', 'varbinary(300)', [...values.slice(1), "REPEAT(x'FF', 300)"]),
    of('b_tiny', 'tinyblob', [...values, "REPEAT(x'FF', 255)"]),
    of('b_blob', 'blob', [...values.slice(1), "REPEAT(x'00FF', 30000)"]),
    of('b_medium', 'mediumblob'),
    of('b_long', 'longblob'),
    { ...of('b_pressed', 'blob COMPRESSED', ["x''", "REPEAT(x'00FF', 30000)", "x'275C0A'"]), servers: MARIADB_SERVERS },
    // CHARACTER SET binary makes a binary type of a text type.
    of('b_charset', 'varchar(20) CHARACTER SET binary'),
  ];
}

function members(): TypeColumn[] {
  const many = (prefix: string, count: number): string =>
    Array.from({ length: count }, (_, index) => `'${prefix}${index}'`).join(',');
  return [
    {
      name: 'e',
      type: "enum('a','b,c','it''s','','back\\\\slash')",
      values: ["'a'", "'b,c'", "'it''s'", "''", "'back\\\\slash'"],
      text: plain,
    },
    // No catalogue tells such characters of a member; rows and binlog do.
    {
      name: 'e_beyond',
      type: "enum('a😀','b?','😀')",
      values: ["'a😀'", "'b?'", "'😀'", "'none'"],
      text: plain,
      servers: NAMED,
    },
    {
      name: 'st_beyond',
      type: "set('a😀','b?','😀')",
      values: ["'a😀,😀'", "'b?'", "''", "'a😀,b?,😀'"],
      text: plain,
      servers: NAMED,
    },
    // Not strict: what is no member becomes the empty text, number 0.
    { name: 'e_wrong', type: "enum('a','b')", values: ["'z'", "'b'"], text: plain },
    {
      name: 'e_255',
      type: `enum(${many('m', 255)})`,
      values: ["'m0'", "'m254'"],
      text: plain,
    },
    {
      name: 'e_300',
      type: `enum(${many('m', 300)})`,
      values: ["'m0'", "'m255'", "'m256'", "'m299'"],
      text: plain,
    },
    {
      name: 'st',
      type: "set('a','b c','it''s','\"','ü')",
      values: ["''", "'a'", "'a,b c'", "'it''s'", "'a,b c,it''s,\",ü'"],
      text: plain,
    },
    { name: 'st_8', type: `set(${many('s', 8)})`, values: ["'s0,s7'", "''", '255'], text: plain },
    { name: 'st_24', type: `set(${many('s', 24)})`, values: ["'s0,s23'", "''", '16777215'], text: plain },
    {
      name: 'st_64',
      type: `set(${many('s', 64)})`,
      values: ["'s0,s63'", "''", "'s31,s32'", '18446744073709551615', "'s63'"],
      text: plain,
    },
  ];
}

/** Texts, binaries, members: empty, full, with every character that a quoting or splitting could get wrong. */
export function strings(): TypeColumn[] {
  return [...texts(), ...binaries(), ...members()];
}

/** Values of megabytes, and the longest VARCHARs that a row of 65,535 bytes holds. */
export function largeValues(): TypeColumn[] {
  return [
    {
      name: 'v_wide',
      type: 'varchar(8000) CHARACTER SET utf8mb4',
      values: ["REPEAT('😀', 8000)", "REPEAT('é', 127)"],
      text: plain,
    },
    {
      name: 'b_wide',
      type: 'varbinary(32000)',
      values: ["REPEAT(x'00', 32000)", "REPEAT(x'FF', 256)"],
      select: 'HEX(b_wide)',
      text: hex,
    },
    {
      name: 't_mega',
      type: 'longtext CHARACTER SET utf8mb4',
      values: ["REPEAT('aé中😀', 150000)", "REPEAT('x', 65536)"],
      text: plain,
    },
    {
      name: 'b_mega',
      type: 'longblob',
      values: ["REPEAT(x'00FF41', 1000000)", "REPEAT(x'00', 65536)"],
      select: 'HEX(b_mega)',
      text: hex,
    },
    {
      name: 'j_mega',
      type: 'json',
      // Beyond 64 KiB MySQL's binary form has wide offsets.
      values: [
        `CONCAT('[', REPEAT('70000,', 20000), '"', REPEAT('x', 70000), '"]')`,
        `CONCAT('{"a":', REPEAT('[', 90), '1', REPEAT(']', 90), '}')`,
      ],
      text: plain,
      servers: MYSQL,
    },
  ];
}
