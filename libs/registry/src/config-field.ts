/** Where the schemas of messages are kept, in a component's configuration. */
export const REGISTRY_FIELD = {
  type: 'variants',
  doc: 'Where the Avro schemas of the messages are kept.',
  by: 'type',
  default: 'topic',
  variants: {
    topic: {
      type: 'group',
      doc: 'In a Kafka topic: nothing else to run.',
      fields: {
        topic: { type: 'text', doc: 'Name of the topic.', default: '_tapline.schemas' },
        replicationFactor: {
          type: 'integer',
          doc: 'Copies of the topic when it is made. -1: by a reader as many as of its other topics (`topics.replicationFactor`), else the brokers’ default.',
          default: -1,
          min: -1,
          max: 100,
        },
      },
    },
    confluent: {
      type: 'group',
      doc: 'In a server with the interface of Confluent’s Schema Registry.',
      fields: {
        url: { type: 'text', doc: 'Its address, `http://host:port`, with a path where it has one.' },
        username: { type: 'text', doc: 'User name, where it asks for one.', optional: true },
        password: { type: 'text', doc: 'Password.', secret: true, optional: true },
      },
    },
  },
} as const;
