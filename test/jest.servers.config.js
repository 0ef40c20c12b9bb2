// Tests against real servers: `x.it.test.ts`. Three files at a time: a file waits for its servers a good part of its time, and two leave a
// fifth of two cores idle. A test has long enough on a machine that is busy with others too: a limit that is not reached costs nothing.
import base from '../jest.config.js';

export default {
  ...base,
  rootDir: '..',
  globalSetup: '<rootDir>/test/jest.servers.setup.js',
  globalTeardown: '<rootDir>/test/jest.servers.teardown.js',
  testMatch: ['<rootDir>/{libs,services,test}/**/src/**/*.it.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 600_000,
  testSequencer: '<rootDir>/test/longest-first.js',
  maxWorkers: 3,
};
