export { REGISTRY_FIELD } from './config-field.ts';
