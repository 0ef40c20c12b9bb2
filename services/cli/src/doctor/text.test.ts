import { expect, test } from '@jest/globals';
import { asText, type Report } from './text.ts';

const report: Report = {
  file: 'reader.yaml',
  service: 'reader',
  areas: {
    source: [
      { check: 'binlog', level: 'ok', seen: 'The binary log is on.', mend: '' },
      {
        check: 'gtid-mode',
        level: 'fail',
        code: 'SOURCE_GTID_OFF',
        seen: 'gtid_mode is OFF.',
        mend: 'SET PERSIST gtid_mode = ON;',
      },
    ],
    brokers: [{ check: 'brokers', level: 'ok', seen: '1 answers.', mend: '' }],
  },
};

test('every finding is a line with what mends it below, and the counts are at the end', () => {
  expect(asText([report], false).split('\n')).toEqual([
    'reader reader.yaml',
    '  source',
    '    ok    binlog: The binary log is on.',
    '    FAIL  gtid-mode: SOURCE_GTID_OFF: gtid_mode is OFF.',
    '          → SET PERSIST gtid_mode = ON;',
    '  brokers',
    '    ok    brokers: 1 answers.',
    '2 ok, 0 warnings, 1 failed',
    '',
  ]);
});

test('quiet leaves out what is well, and areas that are well as a whole', () => {
  const text = asText([report], true);
  expect(text).not.toContain('brokers');
  expect(text).toContain('gtid-mode');
});
