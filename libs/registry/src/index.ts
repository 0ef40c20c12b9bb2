export { REGISTRY_FIELD } from './config-field.ts';
export { type OpenRegistryOptions, openRegistry, type Registry, type RegistryConfig } from './registry.ts';
