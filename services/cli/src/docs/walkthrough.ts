import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from './page.ts';
import { Shell, type ShellOptions } from './shell.ts';

const BLOCK_MS = 300_000;

export interface WalkOptions extends ShellOptions {
  /** Ports that the page names → those to be taken in their place. */
  readonly ports: Readonly<Record<string, number>>;
}

/**
 * Does what a page tells its reader to do, in the page's order: files are written (`yaml` blocks that begin with `# name.yaml`), `sh run` is run once,
 * `sh until` until it prints what the `text` block behind it shows. A `text` block behind `sh run` must be what that has printed.
 */
export async function walk(page: Page, { ports, ...options }: WalkOptions): Promise<void> {
  await using shell = new Shell(options);
  const blocks = page.blocks.map(({ info, text }) => ({ info, text: withPorts(text, ports) }));
  for (const [index, { info, text }] of blocks.entries()) {
    const next = blocks[index + 1];
    const shown = next?.info === 'text' ? next.text : '';
    const [, file] = /^# ([\w.-]+\.yaml)\n/.exec(text) ?? [];
    if (info.startsWith('yaml') && file !== undefined) await writeFile(join(options.folder, file), text);
    if (info === 'sh until') await shell.until(text, (printed) => matches(printed, shown), BLOCK_MS);
    if (info !== 'sh run') continue;
    const printed = await shell.run(text, BLOCK_MS);
    if (!matches(printed, shown)) throw new Error(`${text}\nprinted\n${printed}\nand the page shows\n${shown}`);
  }
}

function withPorts(text: string, ports: WalkOptions['ports']): string {
  return text.replace(/\b\d{4}\b/g, (port) => String(ports[port] ?? port));
}

/** Whether the pieces between the `…` of what is shown are found in their order. */
export function matches(printed: string, shown: string): boolean {
  let from = 0;
  for (const piece of shown.split('…')) {
    const at = printed.indexOf(piece.trim(), from);
    if (at < 0) return false;
    from = at + piece.trim().length;
  }
  return true;
}
