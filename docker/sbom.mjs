// Of npm's bill of all packages in the lock file, those that are installed below node_modules: npm's own --omit=dev leaves out packages that one
// workspace needs in production and another for its tests.
import { existsSync, readFileSync } from 'node:fs';

const bill = JSON.parse(readFileSync(process.argv[2], 'utf8'));

function installed({ purl }) {
  const [, name, version] = /^pkg:npm\/(.+)@([^@?]+)/.exec(decodeURIComponent(purl)) ?? [];
  const manifest = `node_modules/${name}/package.json`;
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === version;
}

const components = bill.components.filter(installed);
const kept = new Set([bill.metadata.component['bom-ref'], ...components.map((component) => component['bom-ref'])]);
const dependencies = bill.dependencies
  .filter(({ ref }) => kept.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }));
process.stdout.write(`${JSON.stringify({ ...bill, components, dependencies }, null, 1)}\n`);
