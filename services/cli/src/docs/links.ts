import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { type Link, type Page, type Problem, problem } from './page.ts';

/** Tests, and the cases that every sink passes. */
const TESTS = /\.test\.ts$|\/suite\//;

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
  return TESTS.test(path) ? missingTest(link.text, path, root) : undefined;
}

/** The name must stand in the file as it is, in quotes; one of a table (`test.each`) with its `%s`. */
function missingTest(name: string, path: string, root: string): string | undefined {
  if (name === basename(path)) return undefined;
  const text = readFileSync(join(root, path), 'utf8');
  return ["'", '"', '`'].some((quote) => text.includes(quote + name + quote))
    ? undefined
    : `${path} has no test of this name`;
}

/** Blocks `ts PATH` that are not what stands in the file. */
export function staleCode(pages: readonly Page[], root: string): Problem[] {
  return pages.flatMap((page) =>
    page.blocks.flatMap(({ info, line, text }) => {
      const [, path] = /^ts (\S+)$/.exec(info) ?? [];
      if (path === undefined) return [];
      const file = join(root, path);
      const right = existsSync(file) && readFileSync(file, 'utf8') === `${text}\n`;
      return right ? [] : [problem(page, line, `the block is not what stands in ${path}`)];
    }),
  );
}
