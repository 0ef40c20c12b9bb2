// The layers: schemas ← libs/kernel ← other libs ← services. `.ci/layers.ts` runs these rules, and proves for each of them that a seeded violation
// is found: without TypeScript's own API the tool sees no module at all and would find everything in order.
const PACKAGE = '^((?:libs|services|test)/[^/]+)/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment:
        'Modules that need each other cannot be understood, tested or loaded one at a time. Types alone may go both ways.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'kernel-is-below-all',
      comment: 'The kernel knows nothing of MySQL, Kafka or sinks.',
      severity: 'error',
      from: { path: '^libs/kernel/' },
      to: { path: '^(libs|services|test)/', pathNot: '^libs/kernel/' },
    },
    {
      name: 'libs-are-below-services',
      comment: 'A library is used by services, never the other way round.',
      severity: 'error',
      from: { path: '^libs/', pathNot: '\\.it\\.test\\.ts$|/testing/' },
      to: { path: '^(services|test)/' },
    },
    {
      name: 'server-tests-of-libs-use-the-stack-only',
      comment: 'A test of a library against real servers gets these from test/stack.',
      severity: 'error',
      from: { path: '^libs/.*(\\.it\\.test\\.ts$|/testing/)' },
      to: { path: '^(services|test)/', pathNot: '^test/stack/' },
    },
    {
      name: 'services-meet-in-topics',
      comment: 'Services never import each other; only the command line knows them all.',
      severity: 'error',
      from: { path: '^services/([^/]+)/', pathNot: '^services/cli/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'services-do-not-need-tests',
      comment:
        'What runs in production does not import test code; the command line does, for `demo`, `up` and `bench`.',
      severity: 'error',
      from: { path: '^services/', pathNot: '^services/cli/|\\.test\\.ts$|/testing/' },
      to: { path: '^test/' },
    },
    {
      name: 'sinks-are-alone',
      comment: 'A sink imports libraries and the sink contract, never another sink.',
      severity: 'error',
      from: { path: '^services/writer/src/sinks/([^/]+)/' },
      to: { path: '^services/writer/src/sinks/[^/]+/', pathNot: '^services/writer/src/sinks/$1/' },
    },
    {
      name: 'packages-by-their-exports',
      comment:
        'Another package is imported by its name, through its index, or through what it exports of a folder `testing`.',
      severity: 'error',
      from: { path: PACKAGE },
      to: {
        path: '^(libs|services|test)/',
        pathNot: '^$1/|^(libs|services|test)/[^/]+/src/(index|.*testing/[^/]+)\\.ts$',
      },
    },
    {
      name: 'packages-by-their-name',
      comment: 'A relative path into another package goes around its exports and its declared dependencies.',
      severity: 'error',
      from: { path: PACKAGE },
      to: { path: '^(libs|services|test)/', pathNot: '^$1/', dependencyTypesNot: ['aliased-workspace'] },
    },
    {
      name: 'nothing-unresolved',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'only-declared-packages',
      comment: 'A package that package.json does not name may be gone tomorrow.',
      severity: 'error',
      from: { path: PACKAGE, pathNot: '\\.test\\.ts$|/testing/|/suite/|^libs/registry/src/contract\\.ts$|^test/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.generated\\.' },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
