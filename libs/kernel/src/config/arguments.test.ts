import { expect, test } from '@jest/globals';
import { parseArguments } from './arguments.ts';

test('flags with and without an equals sign, and without a value', () => {
  const { file, flags, help, printConfig } = parseArguments([
    '--config',
    'reader.yaml',
    '--source.port=1',
    '--source.password',
    'a=b',
    '--source.tls.verify',
    '--print-config',
    '--empty=',
    '--offset',
    '-1',
  ]);
  expect({ file, help, printConfig }).toEqual({ file: 'reader.yaml', help: false, printConfig: true });
  expect(Object.fromEntries(flags)).toEqual({
    'source.port': '1',
    'source.password': 'a=b',
    'source.tls.verify': 'true',
    empty: '',
    offset: '-1',
  });
});

test('what is no flag is refused', () => {
  expect(() => parseArguments(['reader.yaml'])).toThrow('is not a flag');
  expect(() => parseArguments(['--config'])).toThrow('--config needs');
  expect(parseArguments(['-h']).help).toBe(true);
});
