import type { ErrorCodeEntry } from './entry.ts';

/** Tapline itself: configuration, processes, the machine it runs on. Sorted by code. */
export const TAPLINE_CODES = {
  ADMIN_ADDRESS: {
    disposition: 'fatal',
    summary: 'The address for /healthz, /readyz, /metrics and /state cannot be listened on.',
    remedy: 'Choose another `admin.host` or `admin.port`; port 0 takes any free one.',
  },
  CLIENT_HANDLER: {
    disposition: 'fatal',
    summary:
      'A handler given to `subscribe` of @tapline/client failed, and its `onError` says to stop or to try again.',
    remedy:
      'See the cause. Where trying again helps, let `onError` answer `retry` for it; whoever subscribes again begins with the change that failed.',
  },
  CONFIG_INVALID: {
    disposition: 'fatal',
    summary:
      'A configuration value is missing or cannot be used: wrong type, form or range, or a pattern that can match nothing.',
    remedy: 'Correct the value that the message names; `--help` lists every key with its type and default.',
  },
  CONFIG_UNKNOWN_KEY: {
    disposition: 'fatal',
    summary: 'The configuration file or the command line holds a key that nobody reads, most often a misspelt one.',
    remedy: 'Correct or remove the key that the message names; `--help` lists every key.',
  },
  CONFIG_UNREADABLE: {
    disposition: 'fatal',
    summary: 'The configuration file cannot be opened, or is not YAML.',
    remedy: 'Correct the file at the line and column that the message names.',
  },
  DEMO_FAILED: {
    disposition: 'fatal',
    summary: 'The reader or the writer of the demo ended or delivers nothing.',
    remedy: 'The message holds the end of its log.',
  },
  INTERNAL: {
    disposition: 'fatal',
    summary: 'A condition that the code holds to be impossible.',
    remedy: 'This is a defect in Tapline. Report it with the log lines around it.',
  },
  LETTER_UNKNOWN: {
    disposition: 'fatal',
    summary: 'A dead letter of this name is not in the writer’s dead-letter topic.',
    remedy: '`tapline deadletter list` shows the names of those that are.',
  },
  LETTER_UNREADABLE: {
    disposition: 'fatal',
    summary: 'The dead-letter topic holds something that is no dead letter.',
    remedy: 'Check `deadLetters.topic`: the topic must be the writer’s own.',
  },
  REPLAY_BOOKMARK: {
    disposition: 'fatal',
    summary: 'The consumer group in which a replay keeps how far it has come holds something else.',
    remedy:
      'Somebody uses the consumer group that the message names. Let them use another one, or delete it (kafka-consumer-groups.sh --delete --group).',
  },
  REPLAY_INTO: {
    disposition: 'fatal',
    summary: 'A replay cannot fill a second target beside the live one, or cannot exchange the two.',
    remedy: 'The message says what is in the way. The live target is as it was.',
  },
  REPLAY_PLACE: {
    disposition: 'fatal',
    summary: 'The place from which a replay is to begin cannot be found in the topics.',
    remedy:
      'Give another place: `--from earliest`, a time, or offsets that the topics have. Earlier than asked for is always harmless, as the store compares versions.',
  },
  REPLAY_TABLE: {
    disposition: 'fatal',
    summary: 'A table that is to be replayed is none of those that the writer reads.',
    remedy:
      'Name it as its topic does: `--tables shop.orders`, `shop.*`, or the topic’s whole name. `source.topics` of the writer says which there are.',
  },
  REPLAY_UNFINISHED: {
    disposition: 'fatal',
    summary: 'An earlier replay of this writer was begun and is not finished, or it runs still.',
    remedy: 'Go on with it: `--resume`. Or forget it and begin anew: `--restart`.',
  },
  SERVICE_ABORTED: {
    disposition: 'fatal',
    summary: 'A service was told twice to stop, or did not finish what it had in hand before the deadline.',
    remedy:
      'Nothing is lost: the next start resumes. If it happens often, raise `shutdown.drainMs`, or look at what was slow.',
  },
  SHAPE_MISMATCH: {
    disposition: 'fatal',
    summary:
      'A rule under `shape` does not fit its table as it is at this place of the binlog: it names a column that the table lacks, or asks of a column what its type or its part in the key does not allow.',
    remedy: 'Correct the rule. Rules over many tables of which only some have the column say `optional: true`.',
  },
  SHAPE_SALT_CHANGED: {
    disposition: 'fatal',
    summary:
      'shape.salt was changed while the topics hold records beyond the progress record: the reader was killed, and what it had published last must be met again with the old salt.',
    remedy:
      'Start the reader once with the old salt, stop it with SIGTERM, which leaves nothing beyond the progress record, and then change the salt.',
  },
  SPILL_FAILED: {
    disposition: 'retryable',
    summary:
      'A large compressed or XA transaction had to wait in a temporary file, which cannot be made, written or read.',
    remedy: 'Make room in the folder, or name another one as `source.spillFolder`; it must be on a disk and writable.',
  },
  STACK_PREREQUISITE: {
    disposition: 'fatal',
    summary:
      'This machine lacks something that the servers of the demo and the tests need: a program, Java, Maven or a package index.',
    remedy:
      'Use Debian 12 or later on amd64 with: apt-get install openjdk-17-jre-headless maven util-linux. Package and Maven indexes must be reachable.',
  },
  STACK_START_FAILED: {
    disposition: 'fatal',
    summary: 'A server of the demo or of the tests cannot be fetched or started.',
    remedy: 'The message holds the end of its output. `tapline down` ends what an earlier run left up.',
  },
  TRANSFORM_COLUMN: {
    disposition: 'fatal',
    summary:
      'A step of `transform` uses a column that the rows of a topic do not have. Nothing was written of the row; the writer stops.',
    remedy:
      'Correct the column’s name. Put steps of one table under `for`, and where only newer rows have the column, write has(row.COLUMN) && … or has(row.COLUMN) ? … : ….',
  },
  TRANSFORM_FAILED: {
    disposition: 'poison',
    summary:
      'A step of `transform` cannot be done with a row: values that do not go together, a cast that cannot be, or an error in the module.',
    remedy:
      'Correct the step, or the module, that the message names. `tapline writer --dry-run` shows what it does with real records.',
  },
  TRANSFORM_MODULE: {
    disposition: 'fatal',
    summary: 'A module of `transform` is not there, cannot be loaded, or exports no transform.',
    remedy:
      'Check the path, which counts from the configuration file’s folder, and that the default export is made with defineTransform.',
  },
  WRITER_TRANSACTIONS: {
    disposition: 'fatal',
    summary:
      'Whole transactions (`sink.order: transaction`) cannot be had from these topics: the transaction topic is missing, or they are of several sources.',
    remedy:
      'Set `transactions.topic: true` in the reader’s configuration, give each source a writer of its own, or set `sink.order: row`.',
  },
} as const satisfies Record<string, ErrorCodeEntry>;
