import { series, someWord } from './load-tables.ts';
import type { Random } from './random.ts';

export interface Statement {
  readonly sql: string;
  readonly values?: readonly (string | number | Buffer | null)[];
}

interface Scope {
  /** Ids run from 1 to about this. */
  readonly rows: number;
  readonly bigRows: number;
  readonly big: boolean;
  /** The table accounts has its column `extra`. */
  readonly altered: boolean;
}

/** The statements of one transaction, without BEGIN and COMMIT. */
export function someTransaction(random: Random, scope: Scope): Statement[] {
  if (scope.big) return [bigStatement(random, scope)];
  const statements = Array.from({ length: random.pick([1, 1, 1, 2, 3, 6]) }, () => someStatement(random, scope));
  if (!random.chance(0.08)) return statements;
  // What a savepoint takes back must not be seen: the same kinds of statements, then undone, then others.
  return [
    ...statements,
    { sql: 'SAVEPOINT undone' },
    someStatement(random, scope),
    someStatement(random, scope),
    { sql: 'ROLLBACK TO SAVEPOINT undone' },
    ...(random.chance(0.5) ? [someStatement(random, scope)] : []),
  ];
}

const KINDS: readonly ((random: Random, scope: Scope) => Statement)[] = [
  insertAccount,
  updateAccount,
  updateAccount,
  updateAccount,
  updateHotAccount,
  deleteAccount,
  moveAccount,
  updateAccounts,
  shiftAccounts,
  upsertLines,
  upsertLines,
  updateLines,
  moveLine,
  deleteLines,
  upsertWord,
  upsertWord,
  renameWord,
  deleteWord,
  insertEvents,
  insertEvents,
  changeEvents,
  noise,
];

function someStatement(random: Random, scope: Scope): Statement {
  return random.pick(KINDS)(random, scope);
}

function someId(random: Random, { rows }: Scope): number {
  return random.int(1, Math.ceil(rows * 1.2));
}

function insertAccount(random: Random, scope: Scope): Statement {
  const text = random.chance(0.3) ? null : someWord(random).repeat(random.int(1, 20));
  return {
    sql: 'REPLACE INTO accounts (id, owner, balance, note, rev, changed) VALUES (?, ?, ?, ?, ?, NOW(6))',
    values: [someId(random, scope), someWord(random), random.int(-10_000, 10_000) / 100, text, random.int(0, 2 ** 31)],
  };
}

function updateAccount(random: Random, scope: Scope): Statement {
  const extra = scope.altered ? ', extra = COALESCE(extra, 0) + 1' : '';
  return {
    sql: `UPDATE accounts SET balance = balance + ?, rev = rev + 1, changed = NOW(6)${extra} WHERE id = ?`,
    values: [random.int(-500, 500) / 100, someId(random, scope)],
  };
}

/** A few rows that every connection changes all the time. */
function updateHotAccount(random: Random): Statement {
  return {
    sql: 'INSERT INTO accounts (id, owner, balance, note, rev, changed) VALUES (?, ?, 0, NULL, 1, NOW(6)) ON DUPLICATE KEY UPDATE rev = rev + 1, changed = NOW(6)',
    values: [random.int(1, 5), 'hot'],
  };
}

function deleteAccount(random: Random, scope: Scope): Statement {
  return { sql: 'DELETE FROM accounts WHERE id = ?', values: [someId(random, scope)] };
}

function moveAccount(random: Random, scope: Scope): Statement {
  return { sql: 'UPDATE accounts SET id = ? WHERE id = ?', values: [someId(random, scope), someId(random, scope)] };
}

function updateAccounts(random: Random, scope: Scope): Statement {
  const from = someId(random, scope);
  return {
    sql: 'UPDATE accounts SET note = CONCAT(LEFT(COALESCE(note, ?), 100), ?), rev = rev + 1 WHERE id BETWEEN ? AND ?',
    values: ['', someWord(random), from, from + random.int(1, 60)],
  };
}

/** Every row takes the key that its neighbour had: deletes and creates of the same keys within one statement. */
function shiftAccounts(random: Random, scope: Scope): Statement {
  const from = someId(random, scope);
  return {
    sql: 'UPDATE accounts SET id = id + 1 WHERE id BETWEEN ? AND ? ORDER BY id DESC',
    values: [from, from + random.int(1, 8)],
  };
}

function upsertLines(random: Random, { rows }: Scope): Statement {
  const order = random.int(0, Math.ceil(rows / 3));
  const lines = Array.from({ length: random.int(1, 6) }, (_, line) => [
    order,
    line,
    `sku-${random.int(0, 500)}`,
    random.int(0, 9),
    random.int(1, 9999) / 100,
  ]);
  return {
    sql: `INSERT INTO order_lines VALUES ${lines.map(() => '(?, ?, ?, ?, ?)').join(', ')} ON DUPLICATE KEY UPDATE quantity = quantity + 1, price = VALUES(price)`,
    values: lines.flat(),
  };
}

function updateLines(random: Random, { rows }: Scope): Statement {
  const order = random.int(0, Math.ceil(rows / 4));
  return {
    sql: 'UPDATE order_lines SET quantity = quantity + 1, sku = NULLIF(sku, ?) WHERE order_id BETWEEN ? AND ?',
    values: ['sku-7', order, order + 3],
  };
}

function moveLine(random: Random, { rows }: Scope): Statement {
  const order = random.int(0, Math.ceil(rows / 4));
  return {
    sql: 'UPDATE order_lines SET line = line + ? WHERE order_id = ? ORDER BY line DESC LIMIT 1',
    values: [random.int(1, 20), order],
  };
}

function deleteLines(random: Random, { rows }: Scope): Statement {
  return { sql: 'DELETE FROM order_lines WHERE order_id = ?', values: [random.int(0, Math.ceil(rows / 3))] };
}

function upsertWord(random: Random): Statement {
  const raw = random.chance(0.3)
    ? null
    : Buffer.from(Array.from({ length: random.int(0, 20) }, () => random.int(0, 255)));
  return {
    sql: 'INSERT INTO words VALUES (?, ?, ?, NOW(3)) ON DUPLICATE KEY UPDATE score = score + 1, raw = VALUES(raw)',
    values: [someWord(random), random.int(-9, 9), raw],
  };
}

function renameWord(random: Random): Statement {
  return {
    sql: 'UPDATE words SET word = ?, seen = NOW(3) WHERE word = ?',
    values: [someWord(random), someWord(random)],
  };
}

function deleteWord(random: Random): Statement {
  return { sql: 'DELETE FROM words WHERE word = ?', values: [someWord(random)] };
}

function insertEvents(random: Random): Statement {
  const events = Array.from({ length: random.int(1, 5) }, () => [
    random.pick(['click', 'view', 'buy']),
    someWord(random),
  ]);
  return { sql: `INSERT INTO events VALUES ${events.map(() => '(NOW(6), ?, ?)').join(', ')}`, values: events.flat() };
}

/** Without a key every such statement scans the table, so there are few of them and they change few rows. */
function changeEvents(random: Random): Statement {
  const kind = random.pick(['click', 'view', 'buy', 'old']);
  if (!random.chance(0.2)) return noise(random);
  return random.chance(0.5)
    ? { sql: 'UPDATE events SET payload = ? WHERE kind = ? LIMIT 3', values: [someWord(random), kind] }
    : { sql: 'DELETE FROM events WHERE kind = ? LIMIT 2', values: [kind] };
}

function noise(random: Random): Statement {
  return { sql: 'INSERT INTO noise (text) VALUES (?)', values: [someWord(random)] };
}

/** Changes the table of the most changes while they go on; instant, so that old rows are not written again. */
export const ALTER = 'ALTER TABLE accounts ADD COLUMN extra INT';

/** One statement over many rows: a transaction far longer than any buffer of a batch. */
function bigStatement(random: Random, { bigRows }: Scope): Statement {
  const from = random.int(0, 3) * (bigRows >> 1);
  const first = 1_000_000 + from;
  return random.chance(0.6)
    ? {
        sql: `INSERT INTO order_lines SELECT n, n % 9, CONCAT('big-', n), 1, 1.5 FROM ${series(first, first + bigRows - 1)} ON DUPLICATE KEY UPDATE quantity = quantity + 1`,
      }
    : { sql: 'DELETE FROM order_lines WHERE order_id BETWEEN ? AND ?', values: [first, first + bigRows - 1] };
}
