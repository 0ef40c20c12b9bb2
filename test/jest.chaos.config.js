// Kill and restart tests, `x.chaos.test.ts`: `tapline test --chaos`; their short form runs in CI.
import base from '../jest.config.js';

export default {
  ...base,
  rootDir: '..',
  testMatch: ['<rootDir>/test/chaos/src/**/*.chaos.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: process.env.TAPLINE_CHAOS === 'long' ? 2 * 3600_000 : 900_000,
  maxWorkers: 1,
};
