import { describe } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { offsetCases } from './testing/offset-cases.ts';

describe.each(['mysql', 'mariadb'] as const)('%s', (kind) => {
  offsetCases(async () => (await testServers(kind))[kind]);
});
