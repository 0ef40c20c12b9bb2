import type { Connection } from 'mysql2/promise';
import type { LatencyProbe } from './latency.ts';
import type { ShopLoad } from './load.ts';
import type { Screen } from './screen.ts';
import type { DemoService, DemoStack } from './services.ts';
import type { SinkName } from './stores/index.ts';
import type { DemoStore } from './stores/store.ts';

export interface DemoOptions {
  readonly sinks: readonly SinkName[];
  /** How long the load runs at least: kills and restarts take as long as they take. */
  readonly durationSeconds: number;
  /** Rows changed a second. */
  readonly rowsPerSecond: number;
  /** Leave everything running at the end. */
  readonly keep: boolean;
  /** A terminal that can redraw lines; otherwise plain lines. */
  readonly live: boolean;
}

/** One store with its writer. */
export interface DemoSink {
  readonly name: SinkName;
  readonly store: DemoStore;
  readonly writer: DemoService;
  readonly probe: LatencyProbe;
}

export interface Demo {
  readonly options: DemoOptions;
  readonly screen: Screen;
  readonly stack: DemoStack;
  readonly reader: DemoService;
  readonly sinks: readonly DemoSink[];
  readonly mysql: Connection;
  readonly load: ShopLoad;
  phase: string;
}
