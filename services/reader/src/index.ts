export { command } from './command.ts';
export { READER_CONFIG, type ReaderConfig } from './config.ts';
export { examine } from './examine.ts';
export { type Rebuilt, rebuildHistory } from './history/rebuild.ts';
export { diffSchemas, showSchema } from './history/schema-command.ts';
export { type MessageSchema, messageSchemas } from './publish/message-schemas.ts';
