import { describe, expect, test } from '@jest/globals';
import { TaplineError } from '@tapline/kernel';
import { addressText, type MysqlAddress } from './address.ts';
import { classifyMysqlError } from './errors.ts';

const address: MysqlAddress = { host: 'db1', port: 3306, user: 'cdc', password: 'geheim' };

describe('a driver error is told by number or code', () => {
  test.each([
    [{ errno: 1045, code: 'ER_ACCESS_DENIED_ERROR' }, 'SOURCE_ACCESS_DENIED', 'fatal'],
    [{ errno: 1227, code: 'ER_SPECIFIC_ACCESS_DENIED_ERROR' }, 'SOURCE_MISSING_GRANT', 'fatal'],
    [{ errno: 1142, code: 'ER_TABLEACCESS_DENIED_ERROR' }, 'SOURCE_MISSING_GRANT', 'fatal'],
    [{ errno: 1040, code: 'ER_CON_COUNT_ERROR' }, 'SOURCE_UNREACHABLE', 'retryable'],
    [{ errno: 3159, code: 'ER_SECURE_TRANSPORT_REQUIRED' }, 'SOURCE_TLS', 'fatal'],
    [{ errno: -111, code: 'ECONNREFUSED' }, 'SOURCE_UNREACHABLE', 'retryable'],
    [{ code: 'PROTOCOL_CONNECTION_LOST' }, 'SOURCE_UNREACHABLE', 'retryable'],
    [{ code: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'SOURCE_TLS', 'fatal'],
    [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'SOURCE_TLS', 'fatal'],
    [{ errno: 1064, code: 'ER_PARSE_ERROR' }, 'SOURCE_FAILED', 'fatal'],
    [{}, 'SOURCE_FAILED', 'fatal'],
  ])('%j is %s', (error, code, disposition) => {
    const classified = classifyMysqlError(Object.assign(new Error('text'), error), address);
    expect(classified).toMatchObject({ code, disposition, place: { address: 'db1:3306' } });
    expect(classified.message).toContain('db1:3306');
    expect(JSON.stringify(classified) + classified.message + classified.remedy).not.toContain('geheim');
  });

  test('a missing grant says which statement to run', () => {
    expect(classifyMysqlError({ errno: 1227 }, address).remedy).toContain("ON *.* TO 'cdc'@'%'");
  });

  test('an error of ours stays as it is', () => {
    const error = new TaplineError('INTERNAL', { message: 'x' });
    expect(classifyMysqlError(error, address)).toBe(error);
  });

  test('an IPv6 address is bracketed', () => {
    expect(addressText({ ...address, host: '::1' })).toBe('[::1]:3306');
  });
});
