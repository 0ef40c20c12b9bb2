import { describe, expect, test } from '@jest/globals';
import { parseGrants } from './grants.ts';

describe('what SHOW GRANTS allows', () => {
  test('global privileges, in both dialects', () => {
    const mysql = parseGrants(['GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `cdc`@`%`']);
    const mariadb = parseGrants([
      "GRANT SELECT, REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `cdc`@`%` IDENTIFIED BY PASSWORD '*A'",
    ]);
    for (const grants of [mysql, mariadb]) {
      expect(grants.hasGlobally('REPLICATION SLAVE')).toBe(true);
      expect(grants.hasGlobally('REPLICATION CLIENT')).toBe(true);
      expect(grants.hasGlobally('RELOAD')).toBe(false);
      expect(grants.has('SELECT', 'shop', 'orders')).toBe(true);
    }
  });

  test('ALL is everything', () => {
    const grants = parseGrants(['GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION']);
    expect(grants.hasGlobally('REPLICATION SLAVE')).toBe(true);
    expect(grants.has('SELECT', 'a', 'b')).toBe(true);
  });

  test('by database pattern, table and column', () => {
    const grants = parseGrants([
      'GRANT USAGE ON *.* TO `u`@`%`',
      'GRANT SELECT ON `shop\\_eu`.* TO `u`@`%`',
      'GRANT SELECT ON `blog%`.* TO `u`@`%`',
      'GRANT SELECT, INSERT ON `one`.`a``b` TO `u`@`%`',
      'GRANT SELECT (`x`, `y`), UPDATE ON `two`.`t` TO `u`@`%`',
      'GRANT EXECUTE ON PROCEDURE `one`.`p` TO `u`@`%`',
      'GRANT `r`@`%` TO `u`@`%`',
    ]);
    expect(grants.hasGlobally('SELECT')).toBe(false);
    expect(grants.has('SELECT', 'shop_eu', 't')).toBe(true);
    expect(grants.has('SELECT', 'shopXeu', 't')).toBe(false);
    expect(grants.has('SELECT', 'blog_2', 't')).toBe(true);
    expect(grants.has('SELECT', 'one', 'a`b')).toBe(true);
    expect(grants.has('SELECT', 'one', 'c')).toBe(false);
    expect(grants.has('SELECT', 'two', 't')).toBe(false);
    expect(grants.has('UPDATE', 'two', 't')).toBe(true);
  });

  test('a partial revoke takes a database out of a global grant', () => {
    const grants = parseGrants(['GRANT SELECT ON *.* TO `u`@`%`', 'REVOKE SELECT ON `secret`.* FROM `u`@`%`']);
    expect(grants.has('SELECT', 'shop', 't')).toBe(true);
    expect(grants.has('SELECT', 'secret', 't')).toBe(false);
  });
});
