import { setTimeout as sleep } from 'node:timers/promises';
import type { SqlServer } from '@tapline/test-stack';

/** Deletes all binlog files but the newest. The server keeps those that it still sends to a reader, also one that has just gone. */
export async function purgeBinlogs(source: SqlServer): Promise<void> {
  for (const end = performance.now() + 300_000; ; await sleep(100)) {
    const files = await source.rows('SHOW BINARY LOGS');
    if (files.length === 1) return;
    if (performance.now() > end) throw new Error('the binlog is not purged');
    await source.execute(`PURGE BINARY LOGS TO '${String(files.at(-1)?.['Log_name'])}'`);
  }
}
