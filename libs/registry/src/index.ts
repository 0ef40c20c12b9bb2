export type { Registry, RegistryConfig } from './registry.ts';
export { openRegistry } from './registry.ts';
