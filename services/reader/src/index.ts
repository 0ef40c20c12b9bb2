export { command } from './command.ts';
export { READER_CONFIG, type ReaderConfig } from './config.ts';
export { examine } from './examine.ts';
