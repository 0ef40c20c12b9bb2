import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { type Link, type Page, type Problem, problem } from './page.ts';

/**
 * Links that lead nowhere: to a file that is not there, or to a heading that its page does not have. A link to a test says which test it means:
 * its text is the file's name or the name of a test in it.
 */
export function brokenLinks(pages: readonly Page[], root: string): Problem[] {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  return pages.flatMap((page) =>
    page.links.flatMap((link) => {
      const wrong = faultOf(link, page, byPath, root);
      return wrong === undefined ? [] : [problem(page, link.line, `[${link.text}](${link.target}): ${wrong}`)];
    }),
  );
}

function faultOf(link: Link, page: Page, byPath: ReadonlyMap<string, Page>, root: string): string | undefined {
  if (/^[a-z]+:/.test(link.target)) return undefined;
  const [file = '', anchor] = link.target.split('#');
  const path = file === '' ? page.path : normalize(join(dirname(page.path), file));
  if (!existsSync(join(root, path))) return `${path} does not exist`;
  if (anchor !== undefined && byPath.get(path)?.anchors.has(anchor) !== true)
    return `${path} has no heading #${anchor}`;
  return path.endsWith('.test.ts') ? missingTest(link.text, path, root) : undefined;
}

function missingTest(name: string, path: string, root: string): string | undefined {
  const meant = name.replaceAll('`', '').trim();
  if (meant === basename(path)) return undefined;
  const text = readFileSync(join(root, path), 'utf8').replaceAll("\\'", "'");
  return testNames(text).includes(meant) ? undefined : `${path} has no test of this name`;
}

/** Names as they stand in the source; those of a table (`test.each`) with their `%s`. */
function testNames(text: string): string[] {
  const calls = text.matchAll(/\b(?:test|it|describe)\b[^'"`]*?\(\s*(['"`])(.+?)\1\s*,/g);
  return [...calls].map(([, , name]) => name ?? '');
}
