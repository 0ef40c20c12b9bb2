import { describe } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { sceneCases } from './testing/scene-cases.ts';

describe.each(['mysql', 'mariadb'] as const)('%s', (kind) => {
  sceneCases(async () => (await testServers(kind))[kind]);
});
