import type { MysqlConnection } from './connection.ts';

/** What an account may do, as far as a reader cares. */
export interface Grants {
  /** Whether the privilege holds everywhere: `REPLICATION SLAVE`, `SELECT`, in MySQL's words whatever the flavor. */
  hasGlobally(privilege: string): boolean;
  /** Whether the privilege holds for the whole table. */
  has(privilege: string, database: string, table: string): boolean;
}

interface Grant {
  readonly privileges: ReadonlySet<string>;
  /** A LIKE pattern; `*` for all. */
  readonly database: string;
  readonly table: string;
  readonly revoked: boolean;
}

/** MariaDB's newer names for the parts of MySQL's. */
const SYNONYMS: Readonly<Record<string, string>> = {
  'BINLOG MONITOR': 'REPLICATION CLIENT',
  'REPLICA MONITOR': 'SLAVE MONITOR',
  'REPLICATION REPLICA': 'REPLICATION SLAVE',
};

/** The account's own privileges and those of its active roles. */
export async function readGrants(connection: MysqlConnection, signal?: AbortSignal): Promise<Grants> {
  const rows = await connection.query('SHOW GRANTS', signal);
  const texts = rows.map(([text]) => text ?? '');
  if (connection.flavor === 'mysql') return parseGrants(texts);
  // MariaDB lists a role's privileges only when asked for the role.
  const [row] = await connection.query('SELECT CURRENT_ROLE()', signal);
  const role = row?.[0];
  if (role === undefined || role === null || role === '') return parseGrants(texts);
  const ofRole = await connection.query('SHOW GRANTS FOR CURRENT_ROLE', signal);
  return parseGrants([...texts, ...ofRole.map(([text]) => text ?? '')]);
}

/**
 * The lines of SHOW GRANTS:
 *
 *     'GRANT' privilege (',' privilege)* 'ON' (name | '*') '.' (name | '*') 'TO' …
 *     'REVOKE' …                                                  partial_revokes: a restriction of what stands above it
 *     'GRANT' role 'TO' …                                         carries nothing itself
 */
export function parseGrants(lines: readonly string[]): Grants {
  const grants = lines.map(parseLine).filter((grant) => grant !== undefined);
  const covers = (grant: Grant, privilege: string): boolean =>
    grant.privileges.has(privilege) || (grant.privileges.has('ALL') && privilege !== 'GRANT OPTION');
  return {
    hasGlobally: (privilege) =>
      grants.some((grant) => !grant.revoked && grant.database === '*' && covers(grant, privilege)),
    has: (privilege, database, table) => {
      const applies = (grant: Grant): boolean =>
        covers(grant, privilege) && matches(grant.database, database) && (grant.table === '*' || grant.table === table);
      if (grants.some((grant) => !grant.revoked && grant.database !== '*' && applies(grant))) return true;
      const revoked = grants.some((grant) => grant.revoked && applies(grant));
      return !revoked && grants.some((grant) => grant.database === '*' && applies(grant));
    },
  };
}

const LINE = /^(GRANT|REVOKE) (.+?) ON (?:TABLE )?(\*|`(?:[^`]|``)*`)\.(\*|`(?:[^`]|``)*`) (?:TO|FROM) /s;

function parseLine(line: string): Grant | undefined {
  const [, verb, list = '', database = '', table = ''] = LINE.exec(line) ?? [];
  if (verb === undefined) return undefined;
  const privileges = list
    // A privilege on columns only is none on the table.
    .replaceAll(/[A-Z ]+\([^)]*\)/g, '')
    .split(',')
    .map((name) => name.trim().toUpperCase())
    .filter((name) => name !== '')
    .map((name) => (name === 'ALL PRIVILEGES' ? 'ALL' : (SYNONYMS[name] ?? name)));
  return {
    privileges: new Set(privileges),
    database: unquote(database),
    table: unquote(table),
    revoked: verb === 'REVOKE',
  };
}

function unquote(name: string): string {
  return name.startsWith('`') ? name.slice(1, -1).replaceAll('``', '`') : name;
}

/** A database in GRANT is a LIKE pattern (`%`, `_`, escaped by a backslash). */
function matches(pattern: string, database: string): boolean {
  if (pattern === '*') return true;
  const expression = pattern.replaceAll(/\\?([\s\S])/g, (whole, character: string) => {
    if (whole === '%') return '.*';
    if (whole === '_') return '.';
    return character.replace(/[$()*+.?[\\\]^{|}]/, '\\$&');
  });
  return new RegExp(`^${expression}$`, 's').test(database);
}
