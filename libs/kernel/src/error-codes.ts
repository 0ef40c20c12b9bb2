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
  CLAIM_DAMAGED: {
    disposition: 'poison',
    summary:
      'A large value that was put aside in the claims topic is not what its record says: other bytes, or a header that cannot be read.',
    remedy:
      'Something else wrote to the claims topic, or the record was changed. Load the row anew (an UPDATE of it in the source is enough), then let the writer go past the record (`onError: deadLetter`).',
  },
  CLAIM_MISSING: {
    disposition: 'poison',
    summary: 'A large value that was put aside in the claims topic is not there any more.',
    remedy:
      'The claims topic was deleted, or its retention (`topics.oversize.retentionMs` of the reader) is shorter than records stay in the data topics. Load the row anew (an UPDATE of it in the source is enough), then let the writer go past the record (`onError: deadLetter`).',
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
  ENVELOPE_UNREADABLE: {
    disposition: 'poison',
    summary: 'A record of a data topic is not an Avro change event, or does not fit the schema it names.',
    remedy:
      'Something else wrote to the topic, or the registry is another one than the writer of the topic used. The message says what did not fit; the record can be skipped or parked with `onError: deadLetter`.',
  },
  ENVELOPE_WITHOUT_SCHEMA: {
    disposition: 'fatal',
    summary: 'The records of a data topic are JSON without schemas: types cannot be told from the text alone.',
    remedy:
      'Let the reader publish what a writer reads with schemas (`format: {type: json, schemas: true}`, or Avro), under another source name: the topics cannot change their format.',
  },
  FORMAT_CHANGED: {
    disposition: 'fatal',
    summary: 'The topics of a source hold keys in another format than the configuration asks for now.',
    remedy:
      'Set `format` back. For another format publish under another source name (`name`), which makes topics of its own and loads the tables anew.',
  },
  INTERNAL: {
    disposition: 'fatal',
    summary: 'A condition that the code holds to be impossible.',
    remedy: 'This is a defect in Tapline. Report it with the log lines around it.',
  },
  KAFKA_AUTH: {
    disposition: 'fatal',
    summary: 'Kafka refused the user name, the password or the SASL mechanism.',
    remedy: 'Check kafka.sasl (mechanism, username, password) against the users of the brokers.',
  },
  KAFKA_CLOSED: {
    disposition: 'fatal',
    summary: 'The Kafka client was closed while something still waited for it.',
    remedy: 'This accompanies a stop; look for the reason before it in the log.',
  },
  KAFKA_CONFIG: {
    disposition: 'fatal',
    summary: 'A setting of the Kafka connection cannot be used.',
    remedy: 'Correct the setting named in the message.',
  },
  KAFKA_LOG_TRUNCATED: {
    disposition: 'fatal',
    summary: 'A topic-partition ends before records that Kafka had acknowledged, or was made anew.',
    remedy:
      'Somebody deleted the topic, or the cluster lost records (unclean.leader.election.enable, a restored disk). Restart the reader: it compares its progress with the topics and says what is needed.',
  },
  KAFKA_NOT_ALLOWED: {
    disposition: 'fatal',
    summary: 'Kafka does not allow this user what was asked.',
    remedy:
      'Grant the operation named in the message, for example: kafka-acls.sh --add --allow-principal User:<user> --operation All --topic <topic>.',
  },
  KAFKA_NOT_READY: {
    disposition: 'retryable',
    summary: 'A broker cannot carry out the request now (a leader is being elected, too few replicas are in sync).',
    remedy:
      'Tapline tries again. If it lasts, look at the brokers: kafka-topics.sh --describe --unavailable-partitions.',
  },
  KAFKA_RECORD_TOO_LARGE: {
    disposition: 'fatal',
    summary: 'A record is larger than the topic takes.',
    remedy:
      'Raise max.message.bytes of the topic (kafka-configs.sh --alter --entity-type topics --entity-name <topic> --add-config max.message.bytes=<bytes>) and start the reader again; or have large values put aside (`topics.oversize.policy: claimCheck`); or exclude the table.',
  },
  KAFKA_REQUEST_REFUSED: {
    disposition: 'fatal',
    summary: 'Kafka refused a request.',
    remedy:
      "The message holds Kafka's own error name: look it up in Kafka's documentation, and check the broker's version (2.1 or newer).",
  },
  KAFKA_TLS: {
    disposition: 'fatal',
    summary: 'The TLS handshake with Kafka failed.',
    remedy:
      "Check kafka.tls: the CA that signed the brokers' certificates, the client certificate and key, and the host names in kafka.brokers.",
  },
  KAFKA_UNREACHABLE: {
    disposition: 'retryable',
    summary: 'No broker answers.',
    remedy:
      'Check kafka.brokers, that the brokers run, and that their advertised.listeners can be reached from here. Tapline tries again.',
  },
  PROGRESS_UNREADABLE: {
    disposition: 'fatal',
    summary: 'The newest record of the progress topic is not one that this version of the reader can read.',
    remedy:
      'Run the version that wrote it, or start over: delete the progress topic, and the reader loads the tables anew.',
  },
  RECORDS_UNREADABLE: {
    disposition: 'fatal',
    summary: 'Records of a topic cannot be decoded: damaged, or in a compression that is not supported.',
    remedy:
      "Damaged: restore the partition from a replica. Compression: use none, gzip or zstd for the topic's producers.",
  },
  REGISTRY_INVALID: {
    disposition: 'fatal',
    summary: "The schema registry's topic or answer is not what it must be.",
    remedy: 'Check that the registry address or topic is right and that nobody else writes to it.',
  },
  REGISTRY_NOT_ALLOWED: {
    disposition: 'fatal',
    summary: 'The schema registry refused the user or the operation.',
    remedy: 'Check registry.username and registry.password and what that user may do.',
  },
  REGISTRY_REFUSED: {
    disposition: 'fatal',
    summary: 'The schema registry refused a request.',
    remedy: "The message holds the registry's own answer.",
  },
  REGISTRY_UNKNOWN_ID: {
    disposition: 'fatal',
    summary: 'A schema id is not in the registry.',
    remedy: 'The topic was written with another registry: check registry.type, registry.url and registry.topic.',
  },
  REGISTRY_UNREACHABLE: {
    disposition: 'retryable',
    summary: 'The schema registry does not answer.',
    remedy: 'Check registry.url and that the registry runs. Tapline tries again.',
  },
  RESUME_MISMATCH: {
    disposition: 'fatal',
    summary: 'After a restart, what the binlog replays is not what stands in a topic beyond the progress record.',
    remedy:
      'Something else writes to the topic, or include/exclude, keys or the partition count were changed while the reader was down after a crash. Put the config back and start the reader; if the topic has another writer, stop it and delete the topic and the progress topic for a new load.',
  },
  ROW_PARTIAL: {
    disposition: 'fatal',
    summary:
      'A row came without a column that the writer needs: the source logs parts of rows (source.rowImage: partial).',
    remedy:
      'Write rows as hashes (sink.as: hash), which take the columns that there are, and filter by `op` and key columns only; or set binlog_row_image = FULL on the source.',
  },
  SCHEMA_DDL_UNREAD: {
    disposition: 'fatal',
    summary: 'A statement in the binlog changes a captured table in a way that cannot be read.',
    remedy:
      'Report the statement. To go on, exclude the table, or rebuild the schema history from the source once the reader has nothing left to read before the statement.',
  },
  SCHEMA_INCOMPATIBLE: {
    disposition: 'fatal',
    summary: 'The schema registry holds the new schema of a table to be incompatible with the one before.',
    remedy:
      "Set the subject's compatibility to NONE or FORWARD (PUT /config/<subject>), or undo the change of the table.",
  },
  SCHEMA_MISMATCH: {
    disposition: 'fatal',
    summary: 'What the binlog holds for a table does not fit the schema that Tapline has of it.',
    remedy:
      'The table was altered after the change was written, or while its schema was read. Set `binlog_row_metadata=FULL` on the source; where the message says so, load the table anew.',
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
  SINK_KEY: {
    disposition: 'fatal',
    summary:
      'The configuration gives no name to a row in the sink: a record without a key, or a key column that is not there.',
    remedy: 'Use columns of the table’s key in the sink’s key template, or leave the topic out of `source.topics`.',
  },
  SINK_REDIS_ACCESS: {
    disposition: 'fatal',
    summary: 'Redis refused the user or the password, or the user may not run a command or touch a key.',
    remedy:
      'Check `sink.username` and `sink.password`. The user needs +evalsha +eval +ping +info +hget +hset +hlen +get +set +ttl +getrange +setrange +del +expire +persist, and +cluster in a cluster, on the row keys and on `sink.versionPrefix`.',
  },
  SINK_REDIS_CLUSTER: {
    disposition: 'retryable',
    summary: 'The Redis cluster is changing or not complete: slots without a node, or slots on the move.',
    remedy: 'Wait, or look at `redis-cli --cluster check`. With one server only, set `sink.mode: standalone`.',
  },
  SINK_REDIS_FAILED: {
    disposition: 'fatal',
    summary: 'Redis answered with an error that Tapline does not know.',
    remedy: 'Look the answer up in the documentation of Redis; the message has it.',
  },
  SINK_REDIS_FULL: {
    disposition: 'retryable',
    summary: 'Redis has no memory left (maxmemory) and refuses writes. The writer waits; nothing is lost.',
    remedy: 'Raise maxmemory or free memory. `redis-cli info memory` shows what is used.',
  },
  SINK_REDIS_NOT_READY: {
    disposition: 'retryable',
    summary: 'Redis is loading its data, busy with a script, or without its master.',
    remedy: 'Wait; `redis-cli info` shows what it does.',
  },
  SINK_REDIS_READ_ONLY: {
    disposition: 'retryable',
    summary: 'Redis refuses writes: it is a replica, cannot save to disk, or has too few replicas.',
    remedy: 'Point `sink.address` at the master (or use `sink.mode: sentinel`), or mend what the answer names.',
  },
  SINK_REDIS_TLS: {
    disposition: 'fatal',
    summary: 'The TLS connection to Redis could not be made.',
    remedy: 'Check `sink.tls`: the certificate authority, the name in the certificate, and that the port speaks TLS.',
  },
  SINK_REDIS_UNREACHABLE: {
    disposition: 'retryable',
    summary: 'Redis does not answer, or the connection to it was lost.',
    remedy: 'Check `sink.address`, the network, and that the server runs.',
  },
  SINK_REDIS_WRONG_TYPE: {
    disposition: 'poison',
    summary: 'The key of a row holds a value of another kind, which Tapline did not write.',
    remedy: 'Delete the key in Redis, or choose another `sink.key`, and start the writer again.',
  },
  SOURCE_ACCESS_DENIED: {
    disposition: 'fatal',
    summary: 'The MySQL server refused the user or the password.',
    remedy: 'Check `source.user` and `source.password`, and that the account may connect from this host.',
  },
  SOURCE_BEHIND: {
    disposition: 'fatal',
    summary:
      'The source lacks transactions that were read from it, or from another server, before: it lost its tail or was rebuilt.',
    remedy: 'Point the reader at a server that has them, or load the tables anew.',
  },
  SOURCE_BINLOG_FORMAT: {
    disposition: 'fatal',
    summary: 'The binary log does not hold rows (binlog_format is not ROW).',
    remedy: 'SET PERSIST binlog_format = ROW; and let the sessions that write reconnect.',
  },
  SOURCE_BINLOG_OFF: {
    disposition: 'fatal',
    summary: 'The MySQL server writes no binary log.',
    remedy: 'Start the server with --log-bin and a --server-id of its own (log_bin cannot be changed while it runs).',
  },
  SOURCE_DUMP_REFUSED: {
    disposition: 'fatal',
    summary: 'The source refused to send its binlog from the asked position, or stopped sending it.',
    remedy:
      "Read the server's words in the message: often the binlog file is gone (load the tables anew), or another reader uses the same `source.serverId`.",
  },
  SOURCE_EVENT_CORRUPT: {
    disposition: 'fatal',
    summary: 'A binlog event is damaged: its checksum or its contents contradict each other.',
    remedy:
      'Run `mysqlbinlog --verify-binlog-checksum` on the file at the position. If the file is whole, report this with the server version.',
  },
  SOURCE_EVENT_UNSUPPORTED: {
    disposition: 'fatal',
    summary: 'The binlog holds something that Tapline cannot follow without risk of wrong data.',
    remedy: 'Do what the message says about this kind of event.',
  },
  SOURCE_FAILED: {
    disposition: 'fatal',
    summary: 'The MySQL server answered with an error that Tapline does not know.',
    remedy: 'Look the error number up in the MySQL manual; the message has it.',
  },
  SOURCE_GTID_INVALID: {
    disposition: 'fatal',
    summary: 'A text is not a GTID set or GTID position.',
    remedy: 'Write it as the server prints it: `uuid:1-5,uuid:7` (MySQL), `0-1-42` (MariaDB).',
  },
  SOURCE_GTID_OFF: {
    disposition: 'fatal',
    summary: 'The MySQL server numbers no transactions (gtid_mode is OFF).',
    remedy:
      'Turn GTIDs on: SET PERSIST enforce_gtid_consistency = ON; then gtid_mode step by step OFF_PERMISSIVE, ON_PERMISSIVE, ON.',
  },
  SOURCE_INCIDENT: {
    disposition: 'fatal',
    summary: 'The source recorded an incident: changes may be missing from its binlog.',
    remedy: "Read the source's error log for the time of the event, then load the tables anew.",
  },
  SOURCE_MISSING_GRANT: {
    disposition: 'fatal',
    summary: 'The MySQL account lacks a privilege.',
    remedy: 'Run the GRANT that the message shows as an administrator.',
  },
  SOURCE_PURGED: {
    disposition: 'fatal',
    summary: 'The source has deleted binlog files that were not read yet.',
    remedy: 'Load the tables anew, and keep binlogs longer (`binlog_expire_logs_seconds`).',
  },
  SOURCE_ROW_IMAGE: {
    disposition: 'fatal',
    summary: 'The binary log holds only parts of the rows (binlog_row_image is not FULL).',
    remedy:
      'SET PERSIST binlog_row_image = FULL; and let the sessions that write reconnect. Or source.rowImage: partial, when consumers can do with parts of rows.',
  },
  SOURCE_ROW_METADATA: {
    disposition: 'fatal',
    summary: 'binlog_row_metadata is not FULL, so the binlog does not carry the names and types of columns.',
    remedy: "SET PERSIST binlog_row_metadata = 'FULL'; (MariaDB: SET GLOBAL, and the configuration file.)",
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
  SOURCE_XA_PREPARED: {
    disposition: 'retryable',
    summary:
      'At the first start the source holds prepared XA transactions: neither the first load nor the binlog from now on has their rows.',
    remedy:
      'The reader waits until they are decided. XA RECOVER lists them: XA COMMIT or XA ROLLBACK those that their owner has forgotten.',
  },
  SOURCE_XA_UNKNOWN: {
    disposition: 'fatal',
    summary: 'An XA transaction was committed that had been prepared before this reader began: its rows are not known.',
    remedy: 'Start the reader over with a new load: delete its progress topic.',
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
  TOPIC_COMPACTED: {
    disposition: 'fatal',
    summary:
      'The topic is compacted, but every record of it must be kept: the table has no key, or records hold parts of rows (source.rowImage: partial).',
    remedy:
      'Set cleanup.policy=delete and retention.ms=-1 on the topic; or choose a key for the table (`keys` in the configuration), or source.rowImage: full.',
  },
  TOPIC_MISSING: {
    disposition: 'retryable',
    summary: 'A topic does not exist.',
    remedy: 'Create it, or start the reader that publishes it; check the name.',
  },
  TOPIC_NOT_COMPACTED: {
    disposition: 'fatal',
    summary: 'An existing topic is not compacted, so Kafka would delete rows with time.',
    remedy: 'Run the command in the message, or choose another topic name.',
  },
  TOPIC_PARTITIONS: {
    disposition: 'fatal',
    summary:
      'An existing topic has another partition count than configured: keys would change their partition and lose their order.',
    remedy: 'Set topics.partitions to the count the topic has, or publish under another source name.',
  },
  TOPIC_SECOND_WRITER: {
    disposition: 'fatal',
    summary: 'Somebody else wrote to a partition that only this source may write.',
    remedy: 'Find the second writer (another reader with the same source name?) and stop it; then restart this one.',
  },
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;
