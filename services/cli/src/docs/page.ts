import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** A piece of code that stands for itself: fenced, or a `tapline …` line that is indented by four. */
export interface Block {
  readonly line: number;
  /** What stands behind the fence: `yaml reader part`. */
  readonly info: string;
  readonly text: string;
}

export interface Link {
  readonly line: number;
  readonly text: string;
  readonly target: string;
}

/** Code in backticks within a line. */
export interface Span {
  readonly line: number;
  readonly text: string;
}

export interface Page {
  /** From the repository's root. */
  readonly path: string;
  readonly blocks: readonly Block[];
  readonly links: readonly Link[];
  readonly spans: readonly Span[];
  /** What `#…` may name: GitHub's names of the headings. */
  readonly anchors: ReadonlySet<string>;
}

/** Something wrong, told as `docs/x.md:7: …`. */
export type Problem = string;

export function problem(page: Page, line: number, message: string): Problem {
  return `${page.path}:${line}: ${message}`;
}

/** Every page for people: README.md and its like at the root, and what is below docs; not what is generated. */
export function readPages(root: string): Page[] {
  const atRoot = readdirSync(root).filter((name) => name.endsWith('.md'));
  const below = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name));
  return [...atRoot, ...below].sort().map((path) => parsePage(path, readFileSync(join(root, path), 'utf8')));
}

export function isGenerated(page: Page): boolean {
  return relative('docs/reference', page.path).startsWith('..') === false;
}

/** Reads what the checks need of a page: no more of Markdown than our pages use. */
export function parsePage(path: string, text: string): Page {
  const blocks: Block[] = [];
  const links: Link[] = [];
  const spans: Span[] = [];
  const anchors = new Map<string, number>();
  let fence: { readonly line: number; readonly info: string; readonly lines: string[] } | undefined;
  for (const [index, content] of text.split('\n').entries()) {
    const line = index + 1;
    const [, info] = /^\s*```(.*)$/.exec(content) ?? [];
    if (info !== undefined) {
      if (fence === undefined) fence = { line, info: info.trim(), lines: [] };
      else {
        blocks.push({ line: fence.line, info: fence.info, text: fence.lines.join('\n') });
        fence = undefined;
      }
      continue;
    }
    if (fence !== undefined) {
      fence.lines.push(content);
      continue;
    }
    if (/^ {4}(\.\/)?tapline /.test(content)) blocks.push({ line, info: '', text: content.trim() });
    const [, heading] = /^#+ +(.*)$/.exec(content) ?? [];
    if (heading !== undefined) addAnchor(anchors, heading);
    for (const [, code = ''] of content.matchAll(/`([^`]+)`/g)) spans.push({ line, text: code });
    // Links are looked for where code is not: brackets in code are no links. Their own text may be code.
    const prose = content.replace(/`[^`]+`/g, (code) => code.replace(/[[\]()]/g, ' '));
    for (const [, label = '', target = ''] of prose.matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g))
      links.push({ line, text: label, target });
  }
  if (fence !== undefined) blocks.push({ line: fence.line, info: 'never closed', text: fence.lines.join('\n') });
  return { path, blocks, links, spans, anchors: new Set(anchors.keys()) };
}

function addAnchor(anchors: Map<string, number>, heading: string): void {
  const name = heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
  const times = anchors.get(name);
  anchors.set(name, (times ?? 0) + 1);
  if (times !== undefined) anchors.set(`${name}-${times}`, 1);
}
