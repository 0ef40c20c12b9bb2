// Rules about files that no other tool checks: sizes, package registries named in files, what must be executable, licences of packages.
import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const MAX_LINES = 400;

/** Clients know their registries (and mirrors) from the machine's configuration; a host in a file would go around that. */
const REGISTRY_HOSTS: readonly string[] = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['repo1', 'maven', 'org'],
  ['repo', 'maven', 'apache', 'org'],
  ['proxy', 'golang', 'org'],
  ['pypi', 'org'],
  ['files', 'pythonhosted', 'org'],
  ['deb', 'debian', 'org'],
  ['snapshot', 'debian', 'org'],
  ['archive', 'ubuntu', 'com'],
].map((parts) => parts.join('.'));

const TEXT = /\.(ts|js|cjs|mjs|json|ya?ml|md|sh|sql|toml|xml|java|svg|html|css|txt|tpl)$|(^|\/)[^.]+$/;
/** Made by tools, or data: their length says nothing about how they read. */
const NOT_WRITTEN =
  /^package-lock\.json$|^docs\/reference\/|^schemas\/|\.schema\.json$|\.generated\.|(^|\/)fixtures\/|^LICENSE$|\.svg$/;
const EXECUTABLE: readonly string[] = ['tapline', '.ci/run'];

interface TrackedFile {
  readonly path: string;
  readonly mode: string;
}

/** Also files that are not committed yet, unless ignored: a check before the commit is the useful one. */
function files(): TrackedFile[] {
  const git = (...args: string[]): string[] =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28 }).split('\0');
  const paths = git('ls-files', '-z', '--cached', '--others', '--exclude-standard').filter((path) => path !== '');
  return [...new Set(paths)].flatMap((path) => {
    const stat = lstatSync(join(ROOT, path), { throwIfNoEntry: false });
    return stat?.isFile() ? [{ path, mode: (stat.mode & 0o777).toString(8) }] : [];
  });
}

function problemsOf({ path, mode }: TrackedFile): string[] {
  const problems: string[] = [];
  if (EXECUTABLE.includes(path) && !mode.startsWith('7')) problems.push(`${path}: must be executable`);
  if (!TEXT.test(path)) return problems;
  const text = readFileSync(join(ROOT, path), 'utf8');
  for (const host of REGISTRY_HOSTS)
    if (text.includes(host)) problems.push(`${path}: names the package registry ${host}`);
  const lines = text.split('\n').length - 1;
  if (lines > MAX_LINES && !NOT_WRITTEN.test(path)) problems.push(`${path}: ${lines} lines, at most ${MAX_LINES}`);
  if (/^<{7} |^>{7} /m.test(text)) problems.push(`${path}: holds the marks of a merge conflict`);
  if (/(^|\/)package\.json$/.test(path) && (JSON.parse(text) as { license?: string }).license !== 'Apache-2.0') {
    problems.push(`${path}: must say "license": "Apache-2.0"`);
  }
  return problems;
}

const all = files();
const problems = all.flatMap(problemsOf);
for (const required of [...EXECUTABLE, 'LICENSE', 'README.md', 'docs/architecture.md']) {
  if (!all.some(({ path }) => path === required)) problems.push(`${required}: is missing`);
}
for (const problem of problems) console.error(problem);
console.log(`${all.length} files, ${problems.length} problems`);
process.exitCode = problems.length === 0 && all.length > 50 ? 0 : 1;
