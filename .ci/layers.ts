// Checks the import rules of .dependency-cruiser.cjs, and first that the tool can see at all: it must count as many modules as there are files, and
// find every one of the violations seeded in a copy of the layout.
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseOptions, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';

interface Rules {
  readonly forbidden: IForbiddenRuleType[];
  readonly options: ICruiseOptions;
}

const ROOT = join(import.meta.dirname, '..');
const rules = createRequire(import.meta.url)('../.dependency-cruiser.cjs') as Rules;

/** File → what it imports; each rule is broken by the file that bears its name. */
const SEEDS: Readonly<Record<string, { readonly file: string; readonly imports: string }>> = {
  'no-cycles': { file: 'libs/kafka/src/no-cycles.ts', imports: './no-cycles-back.ts' },
  'kernel-is-below-all': { file: 'libs/kernel/src/below.ts', imports: '../../kafka/src/index.ts' },
  'libs-are-below-services': { file: 'libs/kafka/src/below.ts', imports: '../../../services/reader/src/index.ts' },
  'server-tests-of-libs-use-the-stack-only': {
    file: 'libs/kafka/src/a.it.test.ts',
    imports: '../../../services/reader/src/index.ts',
  },
  'services-meet-in-topics': { file: 'services/reader/src/meet.ts', imports: '../../writer/src/index.ts' },
  'services-do-not-need-tests': { file: 'services/reader/src/need.ts', imports: '../../../test/stack/src/index.ts' },
  'sinks-are-alone': { file: 'services/writer/src/sinks/redis/alone.ts', imports: '../mysql/index.ts' },
  'packages-by-their-exports': { file: 'services/reader/src/deep.ts', imports: '../../../libs/kafka/src/below.ts' },
  'packages-by-their-name': { file: 'services/reader/src/name.ts', imports: '../../../libs/kafka/src/index.ts' },
  'nothing-unresolved': { file: 'libs/kafka/src/unresolved.ts', imports: './nowhere.ts' },
  'only-declared-packages': { file: 'libs/kafka/src/undeclared.ts', imports: 'no-such-package' },
};

const OTHER_FILES: Readonly<Record<string, string>> = {
  'libs/kafka/src/no-cycles-back.ts': "import './no-cycles.ts';\n",
  'libs/kafka/src/index.ts': 'export {};\n',
  'services/reader/src/index.ts': 'export {};\n',
  'services/writer/src/index.ts': 'export {};\n',
  'services/writer/src/sinks/mysql/index.ts': 'export {};\n',
  'test/stack/src/index.ts': 'export {};\n',
  'package.json': '{ "name": "seeded", "version": "1.0.0", "type": "module" }\n',
  'node_modules/no-such-package/index.js': 'export {};\n',
  'node_modules/no-such-package/package.json':
    '{ "name": "no-such-package", "version": "1.0.0", "main": "index.js", "type": "module" }\n',
};

async function check(baseDir: string): Promise<ICruiseResult> {
  const options: ICruiseOptions = {
    ...rules.options,
    baseDir,
    validate: true,
    ruleSet: { forbidden: rules.forbidden },
  };
  const { output } = await cruise(['libs', 'services', 'test'], options, {
    conditionNames: ['import', 'node', 'types'],
    exportsFields: ['exports'],
    extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
  });
  if (typeof output === 'string') throw new Error(`unexpected output: ${output}`);
  return output;
}

/** The rules that find nothing in a tree made to break each of them. */
async function blindRules(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tapline-layers-'));
  try {
    const seeds = Object.values(SEEDS).map(({ file, imports }) => [file, `import '${imports}';\n`] as const);
    for (const [file, text] of [...seeds, ...Object.entries(OTHER_FILES)]) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    const { summary } = await check(folder);
    const found = new Set(summary.violations.map(({ rule }) => rule.name));
    return rules.forbidden.map(({ name }) => name ?? '').filter((name) => !found.has(name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const blind = await blindRules();
const { summary } = await check(ROOT);
const files = globSync('{libs,services,test}/*/src/**/*.ts', { cwd: ROOT }).length;
const seen = summary.totalCruised;
for (const { rule, from, to } of summary.violations) console.error(`${rule.name}: ${from} → ${to}`);
for (const name of blind) console.error(`The rule ${name} did not find the violation seeded for it.`);
if (seen < files) console.error(`Only ${seen} modules were seen, but there are ${files} files.`);
console.log(
  `${seen} modules, ${summary.totalDependenciesCruised ?? 0} imports, ${summary.violations.length} violations of ${rules.forbidden.length} rules`,
);
process.exitCode = blind.length === 0 && seen >= files && summary.violations.length === 0 ? 0 : 1;
