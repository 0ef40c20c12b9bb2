// The MySQL sink against TiDB: `x.tidb.test.ts`, `tapline test --tidb`.
import base from './jest.image.config.js';

export default { ...base, testMatch: ['<rootDir>/{services,test}/**/src/**/*.tidb.test.ts'] };
