import type { Disposition } from './errors.ts';

export interface ErrorCodeEntry {
  /** `retryable`: the same call may succeed later. `poison`: this record can never succeed. `fatal`: stop; a person or another config is needed. */
  readonly disposition: Disposition;
  /** One sentence for the generated page docs/reference/errors.md: what it means. */
  readonly summary: string;
  /** What to do about it. Used when the place that throws has nothing more exact to say. */
  readonly remedy: string;
}

/**
 * Every error code Tapline can print. Codes are stable: people grep and alert on them. The generated page is made from this table.
 * Keep it sorted by code.
 */
export const ERROR_CODES = {
  ADMIN_ADDRESS: {
    disposition: 'fatal',
    summary: 'The address for /healthz, /readyz, /metrics and /state cannot be listened on.',
    remedy: 'Choose another `admin.host` or `admin.port`; port 0 takes any free one.',
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
  INTERNAL: {
    disposition: 'fatal',
    summary: 'A condition that the code holds to be impossible.',
    remedy: 'This is a defect in Tapline. Report it with the log lines around it.',
  },
  PROGRESS_UNREADABLE: {
    disposition: 'fatal',
    summary: 'The newest record of the progress topic is not one that this version of the reader can read.',
    remedy:
      'Run the version that wrote it, or start over: delete the progress topic, and the reader loads the tables anew.',
  },
  RESUME_MISMATCH: {
    disposition: 'fatal',
    summary: 'After a restart, what the binlog replays is not what stands in a topic beyond the progress record.',
    remedy:
      'Something else writes to the topic, or include/exclude, keys or the partition count were changed while the reader was down after a crash. Put the config back and start the reader; if the topic has another writer, stop it and delete the topic and the progress topic for a new load.',
  },
  SCHEMA_NO_KEY: {
    disposition: 'fatal',
    summary: 'A captured table has neither a primary key nor a choice in `keys` of the configuration.',
    remedy: 'Add the line that the message shows under `keys`: columns that identify a row, or `append`.',
  },
  SCHEMA_UNSUPPORTED: {
    disposition: 'fatal',
    summary: 'A table or column is of a kind that Tapline cannot read.',
    remedy: 'Exclude the table under `source.exclude`, or report the column type.',
  },
  SERVICE_ABORTED: {
    disposition: 'fatal',
    summary: 'A service was told twice to stop, or did not finish what it had in hand before the deadline.',
    remedy:
      'Nothing is lost: the next start resumes. If it happens often, raise `shutdown.drainMs`, or look at what was slow.',
  },
  SOURCE_ACCESS_DENIED: {
    disposition: 'fatal',
    summary: 'The MySQL server refused the user or the password.',
    remedy: 'Check `source.user` and `source.password`, and that the account may connect from this host.',
  },
  SOURCE_FAILED: {
    disposition: 'fatal',
    summary: 'The MySQL server answered with an error that Tapline does not know.',
    remedy: 'Look the error number up in the MySQL manual; the message has it.',
  },
  SOURCE_MISSING_GRANT: {
    disposition: 'fatal',
    summary: 'The MySQL account lacks a privilege.',
    remedy: 'Run the GRANT that the message shows as an administrator.',
  },
  SOURCE_TLS: {
    disposition: 'fatal',
    summary: 'The TLS connection to the MySQL server could not be made.',
    remedy:
      'Check `source.tls`: the certificate authority, the host name in the certificate, and whether the server offers TLS.',
  },
  SOURCE_UNREACHABLE: {
    disposition: 'retryable',
    summary: 'The MySQL server does not answer, or the connection to it was lost.',
    remedy: 'Check `source.host` and `source.port`, the network, and that the server runs.',
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
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;
