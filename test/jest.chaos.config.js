// Kill and restart tests, `x.chaos.test.ts`: `tapline test --chaos`; their short form runs in CI, three files at a time, as each waits much of its time.
import base from '../jest.config.js';

const isLong = process.env.TAPLINE_CHAOS === 'long';

export default {
  ...base,
  rootDir: '..',
  testMatch: ['<rootDir>/test/chaos/src/**/*.chaos.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: isLong ? 2 * 3_600_000 : 900_000,
  maxWorkers: isLong ? 1 : 3,
};
