// Every package that the lock file installs must be under a permissive licence, or stand in EXCEPTIONS with the reason why it may stay.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

const PERMISSIVE: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC-BY-3.0',
  'CC-BY-4.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);

/** Package → why it may be used all the same. */
const EXCEPTIONS: Readonly<Record<string, string>> = {};

interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** SPDX: `(MIT OR GPL-2.0)` needs one side, `A AND B` both. */
function isPermissive(expression: string): boolean {
  const plain = expression.replace(/^\((.*)\)$/, '$1');
  if (/ OR /.test(plain)) return plain.split(' OR ').some(isPermissive);
  if (/ AND /.test(plain)) return plain.split(' AND ').every(isPermissive);
  return PERMISSIVE.has(plain);
}

type Manifest = { readonly license?: string | { type?: string }; readonly licenses?: readonly { type?: string }[] };

function manifestOf(path: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(ROOT, path, 'package.json'), 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}

/** A build for another platform is not on this disk: it has the licence of the package that it is a part of. */
function licenceOf(name: string, path: string, locked: LockedPackage): string {
  if (locked.license !== undefined) return locked.license;
  const manifest = manifestOf(path);
  if (manifest === undefined) {
    const whole = installed.find(([, { optionalDependencies }]) => optionalDependencies?.[name] !== undefined);
    return whole === undefined ? 'unknown' : licenceOf(nameOf(whole[0]), ...whole);
  }
  const { license, licenses } = manifest;
  if (typeof license === 'string') return license;
  return license?.type ?? licenses?.map(({ type }) => type ?? 'unknown').join(' OR ') ?? 'unknown';
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, LockedPackage>;
};
const installed = Object.entries(lock.packages).filter(
  ([path, { link }]) => path.includes('node_modules/') && link !== true,
);
const counts = new Map<string, number>();
const refused: string[] = [];
const used = new Set<string>();
for (const [path, locked] of installed) {
  const name = nameOf(path);
  const licence = licenceOf(name, path, locked);
  counts.set(licence, (counts.get(licence) ?? 0) + 1);
  if (isPermissive(licence)) continue;
  if (EXCEPTIONS[name] === undefined) refused.push(`${name} ${locked.version ?? ''}: ${licence}`);
  else used.add(name);
}
for (const name of Object.keys(EXCEPTIONS))
  if (!used.has(name)) refused.push(`${name}: an exception that nothing needs`);
for (const line of refused) console.error(line);
const summary = [...counts].sort(([, a], [, b]) => b - a).map(([licence, count]) => `${licence} ${count}`);
console.log(`${installed.length} packages: ${summary.join(', ')}`);
process.exitCode = refused.length === 0 && installed.length > 0 ? 0 : 1;
