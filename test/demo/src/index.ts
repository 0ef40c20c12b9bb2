export { runDemo } from './demo.ts';
export type { DemoOptions } from './scene.ts';
export { SINK_NAMES, type SinkName } from './stores/index.ts';
