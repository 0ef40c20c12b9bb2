// Unit tests: pure logic, no servers, `x.test.ts` beside the code. Tests against servers: test/jest.servers.config.js. By itself jest leaves a core alone.
export default {
  testEnvironment: 'node',
  maxWorkers: '100%',
  // On a busy machine a property of some thousand cases takes more than the usual five seconds.
  testTimeout: 120_000,
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^fast-check$': '<rootDir>/test/fast-check.js' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
  testMatch: ['<rootDir>/{libs,services,test}/**/src/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '\\.(it|chaos|image|kubernetes|compose|tidb)\\.test\\.ts$'],
};
