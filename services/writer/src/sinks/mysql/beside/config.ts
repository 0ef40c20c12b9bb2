import { TaplineError } from '@tapline/kernel';
import type { MysqlConfig } from '../config.ts';

/** So that `<table>_<name>_old` is a name that other statements need not quote. */
const NAME = /^[a-z0-9_]{1,32}$/;

/** The configuration that fills tables beside the live ones: `orders_NAME` beside `orders`. @throws TaplineError CONFIG_INVALID, REPLAY_INTO. */
export function besideMysql(config: MysqlConfig, name: string): MysqlConfig {
  if (!NAME.test(name)) {
    throw new TaplineError('CONFIG_INVALID', {
      message: `--into ${name}: what is put behind the names of tables may have small letters, digits and _, at most 32.`,
    });
  }
  if (config.order === 'transaction') {
    throw new TaplineError('REPLAY_INTO', {
      message:
        'The writer notes in the target how far it is (`sink.order: transaction`), which would not go with tables that take the names of others.',
      remedy: 'Fill other tables (`sink.table`) by a writer with another `name`, and lead readers to these.',
    });
  }
  if (config.origin !== '') {
    throw new TaplineError('REPLAY_INTO', {
      message:
        'The server that this writer fills is the source of another reader (`sink.origin`), which would publish the exchange of its tables.',
      place: { path: 'sink.origin' },
    });
  }
  return { ...config, table: `${config.table}_${name}`, suffix: `_${name}`, createTables: true };
}
