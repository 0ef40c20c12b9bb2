import { SECONDS_BUCKETS } from '@tapline/kernel';

export const ENGINE_METRICS = {
  applied: { type: 'counter', name: 'tapline_writer_applied_total', doc: 'Changes that the sink applied.' },
  stale: {
    type: 'counter',
    name: 'tapline_writer_stale_total',
    doc: 'Changes that the sink already had in this version or a newer one: replays.',
  },
  filtered: { type: 'counter', name: 'tapline_writer_filtered_total', doc: 'Changes that a filter left out.' },
  deadLetters: {
    type: 'counter',
    name: 'tapline_writer_dead_letters_total',
    doc: 'Changes that were parked in the dead-letter topic.',
  },
  claims: {
    type: 'counter',
    name: 'tapline_writer_claims_total',
    doc: 'Records whose whole value was fetched from the claims topic.',
  },
  claimBytes: {
    type: 'counter',
    name: 'tapline_writer_claim_bytes_total',
    doc: 'Bytes of the values that stand in the claims topic, of the records taken from Kafka.',
  },
  retries: {
    type: 'counter',
    name: 'tapline_writer_retries_total',
    doc: 'Batches given to the sink again, by the error code of the failure.',
    labels: ['code'],
  },
  receivedBytes: {
    type: 'counter',
    name: 'tapline_writer_received_bytes_total',
    doc: 'Bytes of keys and values taken from Kafka.',
  },
  bufferedBytes: {
    type: 'gauge',
    name: 'tapline_writer_buffered_bytes',
    doc: 'Bytes of keys and values on their way to the sink.',
  },
  lagSeconds: {
    type: 'gauge',
    name: 'tapline_writer_lag_seconds',
    doc: 'How long ago the oldest change that is not in the sink was committed in the source; 0 when all known changes are in the sink.',
  },
  lagRecords: {
    type: 'gauge',
    name: 'tapline_writer_lag_records',
    doc: 'Records of the assigned partitions that are not in the sink, as of the last fetch.',
  },
  retrying: {
    type: 'gauge',
    name: 'tapline_writer_retrying',
    doc: '1 while the writer waits for the sink and tries again, else 0.',
  },
  stopped: {
    type: 'gauge',
    name: 'tapline_writer_stopped',
    doc: '1 when a change that cannot be applied has stopped the writer (`onError: stop`), else 0.',
  },
  commitToSink: {
    type: 'histogram',
    name: 'tapline_writer_commit_to_sink_seconds',
    doc: 'From a change’s commit in the source until the sink has it; a sample of the changes.',
    buckets: SECONDS_BUCKETS as typeof SECONDS_BUCKETS,
  },
} as const;
