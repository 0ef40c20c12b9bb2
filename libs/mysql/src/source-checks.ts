import { type ErrorCode, type Finding, goodFinding as ok, TaplineError } from '@tapline/kernel';
import { addressText, type MysqlAddress } from './address.ts';
import type { CascadingForeignKey } from './foreign-keys.ts';
import type { Grants } from './grants.ts';
import type { ServerInfo } from './server-info.ts';

/** Below this the binlog may be gone before a stopped reader is noticed on Monday morning. */
const RETENTION_WARNING_SECONDS = 2 * 86_400;

interface Setting {
  readonly check: string;
  readonly name: string;
  readonly value: string | undefined;
  readonly wanted: string;
  readonly code: ErrorCode;
}

/**
 * Everything that must be so for a reader to follow this source exactly. The reader refuses to start on the first `fail`, `tapline doctor`
 * prints all of them.
 */
export function sourceFindings(facts: {
  readonly info: ServerInfo;
  readonly grants: Grants;
  readonly account: string;
  /** What the reader makes of rows that lack columns: `full` refuses them. */
  readonly rowImage: 'full' | 'partial';
  readonly cascades?: readonly CascadingForeignKey[];
}): Finding[] {
  const { info, grants, account } = facts;
  const format = { check: 'binlog-format', name: 'binlog_format', value: info.binlogFormat, wanted: 'ROW' };
  return [
    binlogFinding(info),
    settingFinding({ ...format, code: 'SOURCE_BINLOG_FORMAT' }),
    rowImageFinding(info, facts.rowImage),
    rowMetadataFinding(info),
    gtidFinding(info),
    ...grantFindings(grants, account),
    ...xaFindings(info, grants, account),
    partialJsonFinding(info),
    retentionFinding(info),
    ...(facts.cascades ?? []).map((cascade) => cascadeFinding(info, cascade)),
  ];
}

/** @throws TaplineError with the code, what was seen and the statements that mend it, of the first finding that fails and all others of its code. */
export function refuseUnfitSource(findings: readonly Finding[], address: MysqlAddress): void {
  const failed = findings.filter((finding) => finding.level === 'fail');
  const code = failed[0]?.code;
  if (code === undefined) return;
  const alike = failed.filter((finding) => finding.code === code);
  throw new TaplineError(code, {
    message: alike.map(({ seen }) => seen).join(' '),
    place: { address: addressText(address) },
    remedy: alike.map(({ mend }) => mend).join(' '),
  });
}

function binlogFinding(info: ServerInfo): Finding {
  if (info.logBin) return ok('binlog', 'The binary log is on.');
  return {
    check: 'binlog',
    level: 'fail',
    code: 'SOURCE_BINLOG_OFF',
    seen: 'The server writes no binary log (log_bin = OFF).',
    mend: 'Set log_bin and server_id in the server’s configuration file (remove skip-log-bin) and restart it.',
  };
}

function settingFinding(setting: Setting): Finding {
  const { check, name, value, wanted, code } = setting;
  if (value === wanted) return ok(check, `${name} = ${wanted}.`);
  return {
    check,
    level: 'fail',
    code,
    seen: `${name} is ${value ?? 'not known to this server'}, a reader needs ${wanted}.`,
    mend: `SET PERSIST ${name} = '${wanted}'; (MariaDB: SET GLOBAL, and the configuration file.) Sessions that are open keep the old value: let applications reconnect.`,
  };
}

/** MariaDB's FULL_NODUP leaves out of the image after what is in the image before. */
const WHOLE_IMAGES: ReadonlySet<string> = new Set(['FULL', 'FULL_NODUP']);

function rowImageFinding(info: ServerInfo, mode: 'full' | 'partial'): Finding {
  const check = 'row-image';
  if (WHOLE_IMAGES.has(info.rowImage)) return ok(check, `binlog_row_image = ${info.rowImage}.`);
  if (mode === 'partial') {
    return ok(
      check,
      `binlog_row_image = ${info.rowImage}: messages name the columns that they lack (source.rowImage: partial).`,
    );
  }
  const finding = settingFinding({
    check,
    name: 'binlog_row_image',
    value: info.rowImage,
    wanted: 'FULL',
    code: 'SOURCE_ROW_IMAGE',
  });
  return { ...finding, mend: `${finding.mend} Or source.rowImage: partial, when consumers can do with parts of rows.` };
}

/** Without names in the binlog the schema history alone says what rows are. */
function rowMetadataFinding({ rowMetadata }: ServerInfo): Finding {
  return rowMetadata === 'FULL'
    ? ok('row-metadata', 'The binlog names the columns of rows: the schema history is checked against them.')
    : ok('row-metadata', 'The binlog does not name the columns of rows: they are known from the schema history.');
}

function gtidFinding(info: ServerInfo): Finding {
  // MariaDB's GTIDs cannot be turned off.
  if (info.flavor === 'mariadb' || info.gtidMode === 'ON') return ok('gtid-mode', 'GTIDs are on.');
  const check = 'gtid-mode';
  if (info.gtidMode === 'OFF') {
    return {
      check,
      level: 'warn',
      seen: 'gtid_mode is OFF: the reader follows the places in this server’s binlog files. On another server it finds its place only by the rows that it writes itself (source.anchors).',
      mend: `${TURN_ON} Or set source.anchors, so that the reader survives a failover.`,
    };
  }
  return {
    check,
    level: 'fail',
    code: 'SOURCE_GTID_OFF',
    seen: `gtid_mode is ${info.gtidMode ?? 'not known to this server'}, a reader needs ON, or OFF.`,
    mend: TURN_ON,
  };
}

const TURN_ON =
  'SET PERSIST enforce_gtid_consistency = ON; then SET PERSIST gtid_mode = OFF_PERMISSIVE, ON_PERMISSIVE and ON, one after the other.';

function grantFindings(grants: Grants, account: string): Finding[] {
  return ['REPLICATION SLAVE', 'REPLICATION CLIENT'].map((privilege): Finding => {
    const check = `grant-${privilege.toLowerCase().replace(' ', '-')}`;
    if (grants.hasGlobally(privilege)) return ok(check, `${account} has ${privilege}.`);
    return {
      check,
      level: 'fail',
      code: 'SOURCE_MISSING_GRANT',
      seen: `${account} lacks ${privilege}.`,
      mend: `GRANT ${privilege} ON *.* TO ${account};`,
    };
  });
}

/** MySQL 5.7 and MariaDB answer XA RECOVER for anybody. */
function xaFindings(info: ServerInfo, grants: Grants, account: string): Finding[] {
  if (info.flavor === 'mariadb' || info.version.startsWith('5.')) return [];
  const check = 'grant-xa-recover-admin';
  if (grants.hasGlobally('XA_RECOVER_ADMIN')) return [ok(check, `${account} has XA_RECOVER_ADMIN.`)];
  return [
    {
      check,
      level: 'warn',
      seen: `${account} lacks XA_RECOVER_ADMIN: at the first start it is not checked whether XA transactions are prepared, whose rows neither the load nor the binlog from then on has. When one is committed the reader stops.`,
      mend: `GRANT XA_RECOVER_ADMIN ON *.* TO ${account};`,
    },
  ];
}

/** Whole documents are made from differences and the row before, so the row before must be there. */
function partialJsonFinding(info: ServerInfo): Finding {
  if (!info.rowValueOptions.includes('PARTIAL_JSON')) return ok('partial-json', 'JSON values are logged whole.');
  if (WHOLE_IMAGES.has(info.rowImage))
    return ok('partial-json', 'JSON updates are logged as differences of whole rows.');
  return {
    check: 'partial-json',
    level: 'fail',
    code: 'SOURCE_ROW_IMAGE',
    seen: `binlog_row_value_options = PARTIAL_JSON with binlog_row_image = ${info.rowImage}: differences of JSON values are logged without what they change.`,
    mend: "SET PERSIST binlog_row_value_options = ''; or SET PERSIST binlog_row_image = 'FULL';",
  };
}

function retentionFinding(info: ServerInfo): Finding {
  const { retentionSeconds: seconds, retentionBytes } = info;
  if (retentionBytes > 0) {
    return {
      check: 'binlog-retention',
      level: 'warn',
      seen: `Binlog files are purged when together they exceed ${retentionBytes} bytes: a reader that is down while more than that is written loses its place, however short that takes.`,
      mend: 'SET GLOBAL max_binlog_total_size = 0; (Percona Server: binlog_space_limit, in the configuration file.) Or a limit that days of writing do not reach; watch tapline_reader_binlog_room_bytes.',
    };
  }
  if (seconds === 0) return ok('binlog-retention', 'Binlog files are kept until somebody purges them.');
  const days = (seconds / 86_400).toFixed(1);
  if (seconds >= RETENTION_WARNING_SECONDS) return ok('binlog-retention', `Binlog files are kept for ${days} days.`);
  return {
    check: 'binlog-retention',
    level: 'warn',
    seen: `Binlog files are kept for ${days} days only: a reader that is down for longer loses its place.`,
    mend: 'SET PERSIST binlog_expire_logs_seconds = 604800;',
  };
}

function cascadeFinding(info: ServerInfo, cascade: CascadingForeignKey): Finding {
  const [major = 0, minor = 0] = info.version.split('.').map(Number);
  const logged = info.flavor === 'mysql' && (major > 9 || (major === 9 && minor >= 6));
  const name = `${cascade.database}.${cascade.table}`;
  if (logged) return ok('cascades', `Cascades into ${name} (${cascade.name}) are in the binlog.`);
  return {
    check: 'cascades',
    level: 'warn',
    seen: `Changes of ${cascade.parent} cascade into ${name} (${cascade.name}), and this server does not write cascaded changes to the binlog: they are not captured.`,
    mend: `ALTER TABLE ${name} DROP FOREIGN KEY ${cascade.name}; and change the child rows in the application (or move to MySQL 9.6 or later, which logs them).`,
  };
}
