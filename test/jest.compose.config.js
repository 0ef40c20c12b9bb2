// docker/compose.yaml on a Docker engine: `x.compose.test.ts`, `tapline test --compose`.
import base from './jest.image.config.js';

export default { ...base, testMatch: ['<rootDir>/test/shipping/src/**/*.compose.test.ts'] };
