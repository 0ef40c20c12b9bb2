export { REGISTRY_FIELD } from './config-field.ts';
export { registryFinding } from './findings.ts';
export { LazyRegistry } from './lazy.ts';
export { type OpenRegistryOptions, openRegistry, type Registry, type RegistryConfig } from './registry.ts';
