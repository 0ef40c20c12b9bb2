import type { ErrorCodeEntry } from './entry.ts';

/** Kafka, its topics and what stands in them, the schema registry. Sorted by code. */
export const KAFKA_CODES = {
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
  KAFKA_FENCED: {
    disposition: 'fatal',
    summary: 'Another reader of the same source has taken over: Kafka takes nothing more from this one.',
    remedy:
      'Nothing is lost, the other one goes on. Run one reader a source, or several with `leadership.enabled: true`: then one leads and the others stand by. If there should be no other, look for a second process with the same `name`.',
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
  KAFKA_SEQUENCE_LOST: {
    disposition: 'retryable',
    summary: 'A broker no longer knows how far the batches of this reader had come in a partition.',
    remedy: 'The reader begins a new life at its progress record by itself, and compares the topics with it.',
  },
  KAFKA_TLS: {
    disposition: 'fatal',
    summary: 'The TLS handshake with Kafka failed.',
    remedy:
      "Check kafka.tls: the CA that signed the brokers' certificates, the client certificate and key, and the host names in kafka.brokers.",
  },
  KAFKA_TOO_FEW_BROKERS: {
    disposition: 'retryable',
    summary: 'A topic cannot be made: fewer brokers take part now than it is to have copies.',
    remedy:
      'While a broker is being restarted this passes, and Tapline tries again. Otherwise start more brokers, or ask for fewer copies (`topics.replicationFactor`).',
  },
  KAFKA_UNREACHABLE: {
    disposition: 'retryable',
    summary: 'No broker answers.',
    remedy:
      'Check kafka.brokers, that the brokers run, and that their advertised.listeners can be reached from here. Tapline tries again.',
  },
  PROGRESS_LOST: {
    disposition: 'fatal',
    summary:
      'Topics of the source hold records, but there is no progress record, and with `snapshot.mode: never` nothing would be loaded: what was committed in between would be missing.',
    remedy:
      'Set snapshot.mode to initial, so that the tables are loaded again; or say where to go on (start.gtidSet, or start.from: earliest); or delete the topics too.',
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
      'Something else writes to the topic: stop it, and delete the topic and the progress topic for a new load. Or the last life was one of a version that did not keep its configuration in the progress record, and include, exclude, keys or tombstones were changed since its crash: put them back for one start.',
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
  TOPIC_RETENTION: {
    disposition: 'fatal',
    summary: 'A topic that must keep everything is set to delete old records.',
    remedy: 'Run the command that the message shows, or delete the topic, if it is not yet in use.',
  },
  TOPIC_SECOND_WRITER: {
    disposition: 'fatal',
    summary: 'Somebody else wrote to a partition that only this source may write.',
    remedy: 'Find the second writer (another reader with the same source name?) and stop it; then restart this one.',
  },
} as const satisfies Record<string, ErrorCodeEntry>;
