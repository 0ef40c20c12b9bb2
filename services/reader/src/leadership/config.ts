import type { Field } from '@tapline/kernel';

export const LEADERSHIP_FIELD = {
  type: 'group',
  doc: 'Several readers of one source: one leads, the others stand by. Whatever is configured here, and even if several readers believe to lead, only the one that began last can write.',
  fields: {
    enabled: {
      type: 'boolean',
      doc: 'Stand by until this reader leads. false: begin at once, and shut out whoever wrote before; that one ends with KAFKA_FENCED.',
      default: false,
    },
    group: {
      type: 'text',
      doc: 'Kafka group of the readers of this source. Empty: `<name>.leader`.',
      default: '',
    },
    sessionTimeoutMs: {
      type: 'integer',
      doc: 'A reader that Kafka has not heard so long does not lead any more, and another one does. Brokers refuse less than their group.min.session.timeout.ms (6,000).',
      unit: 'ms',
      default: 8000,
      min: 1000,
      max: 300_000,
    },
    handOverMs: {
      type: 'integer',
      doc: 'How long a leader that is stopped may go on with what is in hand, such as a large transaction, while standbys wait. The next one finds its place without the end of it.',
      unit: 'ms',
      default: 500,
      min: 0,
    },
  },
} as const satisfies Field;
