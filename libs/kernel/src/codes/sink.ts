import type { ErrorCodeEntry } from './entry.ts';

/** What writers write to. Sorted by code. */
export const SINK_CODES = {
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
} as const satisfies Record<string, ErrorCodeEntry>;
