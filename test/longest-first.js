import { statSync } from 'node:fs';

/** Files that take longest, far from what their sizes say: begun late, one of them would be left alone at the end. */
const LONG = [
  'test/bench/src/bench.it.test.ts',
  'test/integration/src/ddl/ddl.it.test.ts',
  'services/cli/src/docs/walkthrough.it.test.ts',
  'test/integration/src/schema-history.it.test.ts',
  'test/demo/src/demo.it.test.ts',
  'test/integration/src/type-matrix-metadata.it.test.ts',
  'test/integration/src/type-matrix-mariadb.it.test.ts',
  'test/integration/src/type-matrix-mysql.it.test.ts',
  'libs/kafka/src/lost-answers.it.test.ts',
  'libs/kafka/src/faults.it.test.ts',
  'services/writer/src/search/documents/documents.it.test.ts',
  'test/stack/src/stack.it.test.ts',
];

/** In which order jest begins files: a fresh clone has no times of an earlier run to go by. */
export default class LongestFirst {
  sort(tests) {
    const rank = ({ path }) => {
      const at = LONG.findIndex((file) => path.endsWith(`/${file}`));
      return at === -1 ? LONG.length : at;
    };
    const bytes = new Map(tests.map((test) => [test, statSync(test.path).size]));
    return tests.toSorted((a, b) => rank(a) - rank(b) || bytes.get(b) - bytes.get(a));
  }

  // Nothing is kept: the order is the same everywhere.
  cacheResults() {}
}
