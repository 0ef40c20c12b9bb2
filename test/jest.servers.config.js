// Tests against real servers: `x.it.test.ts`. Two files at a time at most: the machine has two cores and the servers need them too.
import base from '../jest.config.js';

export default {
  ...base,
  rootDir: '..',
  globalSetup: '<rootDir>/test/jest.servers.setup.js',
  globalTeardown: '<rootDir>/test/jest.servers.teardown.js',
  testMatch: ['<rootDir>/{libs,services,test}/**/src/**/*.it.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 120_000,
  maxWorkers: 2,
};
