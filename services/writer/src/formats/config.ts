/** What `source` has for topics that Tapline's readers do not write. docs/foreign-topics.md. */
export const FORMAT_FIELDS = {
  format: {
    type: 'choice',
    doc: 'Who wrote the records: Tapline’s readers, or Debezium (JSON or Avro), Canal (flat messages), Maxwell, or anybody in the plain form `{op, before, after, source: {db, table}}`. `auto` sees it at each record.',
    values: ['tapline', 'auto', 'debezium', 'canal', 'maxwell', 'plain'],
    default: 'tapline',
  },
  foreign: {
    type: 'group',
    doc: 'What records of other formats do not say.',
    fields: {
      keys: {
        type: 'map',
        keys: '<database>.<table>',
        of: { type: 'list', of: { type: 'text' }, minItems: 1 },
        doc: 'Key columns of tables, where records do not name them.',
        default: {},
      },
      types: {
        type: 'map',
        keys: '<database>.<table>',
        of: { type: 'map', keys: 'column', of: { type: 'text' } },
        doc: 'MySQL types of columns, such as `decimal(10,2)` or `datetime(6)`: JSON without schemas has exact decimals, 64-bit integers, dates and bytes only with them.',
        default: {},
      },
      timestampZone: {
        type: 'text',
        doc: 'The zone that TIMESTAMP texts without one were written in.',
        pattern: '[+-]\\d\\d:\\d\\d',
        expected: 'an offset such as +08:00',
        default: '+00:00',
      },
      versionEpoch: {
        type: 'integer',
        doc: 'Versions are offsets under this number. Raise it, in all writers of a store, when topics were made anew or got more partitions: their offsets then begin again, and the store would refuse changes as old.',
        default: 0,
        min: 0,
        max: 4095,
      },
    },
  },
} as const;
