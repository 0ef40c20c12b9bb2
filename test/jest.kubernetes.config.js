// The chart on a real Kubernetes API: `x.kubernetes.test.ts`, `tapline test --kubernetes`.
import base from './jest.image.config.js';

export default { ...base, testMatch: ['<rootDir>/test/shipping/src/**/*.kubernetes.test.ts'] };
