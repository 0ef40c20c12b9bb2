import { describe, expect, test } from '@jest/globals';
import { TaplineError } from '@tapline/kernel';
import fc from 'fast-check';
import { compileTableFilter, type TableFilter } from './filter.ts';
import { compileTablePattern, type LowerCaseTableNames, patternOf } from './pattern.ts';

const filter = (
  include: readonly string[],
  exclude: readonly string[] = [],
  lowerCaseTableNames: LowerCaseTableNames = 0,
): TableFilter => compileTableFilter({ include, exclude, lowerCaseTableNames });

const refusal = (run: () => unknown): TaplineError => {
  try {
    run();
  } catch (error) {
    if (error instanceof TaplineError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('which tables are captured', () => {
  test.each([
    ['shop.orders', 'shop', 'orders', true],
    ['shop.orders', 'shop', 'orders2', false],
    ['shop.orders', 'shop2', 'orders', false],
    ['shop.*', 'shop', 'orders', true],
    ['shop.*', 'shop2', 'orders', false],
    ['*.orders_*', 'a', 'orders_1', true],
    ['*.orders_*', 'a', 'orders_', true],
    ['*.orders_*', 'a', 'order_1', false],
    ['shop.a*a', 'shop', 'a', false],
    ['shop.a*a', 'shop', 'aa', true],
    ['shop.*b*c', 'shop', 'abbcc', true],
    ['shop.x*ab*b', 'shop', 'xab', false],
    ['shop.a_c', 'shop', 'abc', false],
    ['shop.a+(b', 'shop', 'a+(b', true],
    ['`my.shop`.`a*b`', 'my.shop', 'a*b', true],
    ['`my.shop`.`a*b`', 'my.shop', 'axb', false],
    ['shop.`a``b`', 'shop', 'a`b', true],
    ['shop.größe😀*', 'shop', 'größe😀x', true],
  ])('%s on %s.%s: %s', (pattern, database, table, expected) => {
    expect(filter([pattern]).matches(database, table)).toBe(expected);
  });

  test('exclude wins over include', () => {
    const tables = filter(['shop.*'], ['shop.tmp_*']);
    expect(tables.matches('shop', 'orders')).toBe(true);
    expect(tables.matches('shop', 'tmp_1')).toBe(false);
  });

  test('no include means every table, yet never the server’s own', () => {
    const all = filter([]);
    expect(all.matches('shop', 'orders')).toBe(true);
    for (const database of ['mysql', 'sys', 'information_schema', 'performance_schema']) {
      expect(all.matches(database, 'user')).toBe(false);
      expect(filter(['*.*']).matches(database, 'user')).toBe(false);
      expect(all.mayMatchIn(database)).toBe(false);
    }
  });

  test('case decides only where the server lets it decide', () => {
    expect(filter(['Shop.Orders'], [], 0).matches('shop', 'orders')).toBe(false);
    expect(filter(['Shop.Orders'], [], 1).matches('shop', 'orders')).toBe(true);
    expect(filter(['shop.or*'], ['shop.ORDERS_OLD'], 2).matches('Shop', 'Orders_Old')).toBe(false);
    expect(filter(['shop.or*'], ['shop.ORDERS_OLD'], 2).matches('Shop', 'Orders')).toBe(true);
  });

  test('a database in which nothing can match is known beforehand', () => {
    expect(filter(['shop*.orders']).mayMatchIn('shop_eu')).toBe(true);
    expect(filter(['shop*.orders']).mayMatchIn('blog')).toBe(false);
  });

  test('patterns that match no table are told', () => {
    const tables = [{ database: 'shop', name: 'orders' }];
    expect(filter(['shop.*', 'shop.order', '*.orders']).unmatched(tables)).toEqual(['shop.order']);
  });

  test('a quoted name always matches itself and nothing else', () => {
    const name = fc.stringMatching(/^[a-c.*`]{1,6}$/);
    fc.assert(
      fc.property(name, name, name, (database, table, other) => {
        const pattern = compileTablePattern(patternOf(database, table), 0, 'include');
        expect(pattern.exact).toBe(true);
        expect(pattern.matches(database, table)).toBe(true);
        expect(pattern.matches(database, other)).toBe(other === table);
      }),
    );
  });

  test('a star matches as the regular expression .* does', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ab*]{1,8}$/), fc.stringMatching(/^[ab]{0,8}$/), (pattern, name) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name);
        expect(compileTablePattern(`x.${pattern}`, 0, 'include').matches('x', name)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('patterns that can match nothing are refused', () => {
  test.each([
    ['orders', /1 part/, /"\*\.orders"/],
    ['', /1 part/, /./],
    ['shop.', /empty/, /database\.table/],
    ['.orders', /empty/, /database\.table/],
    ['my.shop.orders', /3 parts/, /backquotes/],
    ['shop.`orders', /not closed/, /Close/],
    ['shop.orders ', /white space/, /Remove/],
    [' shop.orders', /white space/, /Remove/],
    [`shop.${'x'.repeat(65)}`, /64/, /./],
    ['mysql.user', /server's own/, /Remove/],
    ['information_schema.*', /server's own/, /Remove/],
  ])('%j', (pattern, message, remedy) => {
    const error = refusal(() => filter(['shop.*', pattern]));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toMatch(message);
    expect(error.remedy).toMatch(remedy);
    expect(error.place.path).toBe('source.include[1]');
  });
});

describe('ghost tables of online DDL', () => {
  const ghosts = ['_t_gho', '_t_ghc', '_t_del', '_t_20240101120000_del', '_t_new', '__t_new', '_t_old'];

  test.each(ghosts)('%s is not captured by a pattern that happens to match it', (name) => {
    expect(filter(['shop.*']).matches('shop', name)).toBe(false);
    expect(filter([]).matches('shop', name)).toBe(false);
    expect(filter([`shop.${name}`]).matches('shop', name)).toBe(true);
    const all = compileTableFilter({ include: ['shop.*'], ghostTables: 'capture', lowerCaseTableNames: 0 });
    expect(all.matches('shop', name)).toBe(true);
  });

  test.each(['t_new', 'news', '_new', '_t_newer', 'old'])('%s is a table like any other', (name) => {
    expect(filter(['shop.*']).matches('shop', name)).toBe(true);
  });
});
