import type { SinkDefinition } from '@tapline/sink';
import { besideMysql } from './beside/config.ts';
import { checkConfig } from './check-config.ts';
import { MYSQL_CONFIG } from './config.ts';
import { preview } from './preview.ts';

/** Rows of tables in tables of MySQL, MariaDB or TiDB. */
export const mysqlSink: SinkDefinition<typeof MYSQL_CONFIG> = {
  type: 'mysql',
  summary: 'MySQL, MariaDB or TiDB: rows in tables, each once, with their versions in the same transaction.',
  config: MYSQL_CONFIG,
  traits: { order: 'partition', batch: { maxChanges: 4000, maxBytes: 4_194_304, bufferBytes: 4_194_304 } },
  transactions: {
    topic: ({ order, transactionTopic }) => (order === 'transaction' ? (transactionTopic ?? '') : undefined),
    async open(config, context) {
      const { MysqlTransactions } = await import('./transactions/sink.ts');
      return MysqlTransactions.open(config, context);
    },
  },
  check: checkConfig,
  preview,
  beside: {
    config: besideMysql,
    async open(config, name, context) {
      const { MysqlExchange } = await import('./beside/exchange.ts');
      return new MysqlExchange(config, name, context);
    },
  },
  async open(config, context) {
    const { MysqlSink } = await import('./sink.ts');
    return MysqlSink.open(config, context);
  },
};
