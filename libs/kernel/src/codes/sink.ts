import type { ErrorCodeEntry } from './entry.ts';

/** What writers write to. Sorted by code. */
export const SINK_CODES = {
  SINK_HBASE_ACCESS: {
    disposition: 'fatal',
    summary: 'HBase refused the user, or the user may not read or write a table.',
    remedy:
      'Check `sink.user` and its grants (RW on the table, and C to create it). Clusters that want Kerberos are not supported.',
  },
  SINK_HBASE_BUSY: {
    disposition: 'retryable',
    summary:
      'A region server has too much to do: its memory or its queues are full. The writer waits; nothing is lost.',
    remedy: 'Wait. If it lasts, look at the region server’s compactions and flushes, or give the table more regions.',
  },
  SINK_HBASE_DISABLED: {
    disposition: 'retryable',
    summary: 'The table is disabled, or a region of it is not open.',
    remedy: "Enable the table in the HBase shell (`enable 'TABLE'`), or wait for its regions to be assigned.",
  },
  SINK_HBASE_FAILED: {
    disposition: 'fatal',
    summary: 'HBase answered with an error that Tapline does not know, and says that trying again is of no use.',
    remedy: 'Look the exception up in the logs of the server that the message names.',
  },
  SINK_HBASE_NOT_READY: {
    disposition: 'retryable',
    summary: 'A master or region server is starting, stopping, or without what it needs.',
    remedy: 'Wait; the web page of the master shows what it does.',
  },
  SINK_HBASE_QUOTA: {
    disposition: 'retryable',
    summary: 'A quota of HBase is used up: of requests, or of space.',
    remedy: 'Raise the quota (`set_quota` in the HBase shell), or make room. The writer waits; nothing is lost.',
  },
  SINK_HBASE_READ_ONLY: {
    disposition: 'retryable',
    summary: 'The table is read-only.',
    remedy:
      "Let it be written to (`alter 'TABLE', READONLY => false` in the HBase shell), or choose another `sink.table`.",
  },
  SINK_HBASE_REGION: {
    disposition: 'retryable',
    summary: 'A region has moved, is being split or merged, or is not open yet.',
    remedy: 'Wait; the writer looks for it again. If it lasts, the master’s web page shows regions in transition.',
  },
  SINK_HBASE_ROW: {
    disposition: 'poison',
    summary:
      'A row does not fit HBase: its key, a column’s name or a value is too large, or a value does not fit its encoding.',
    remedy:
      'Leave the column out with a transform, raise `sink.maxValueBytes` with the server’s own limit, or choose another encoding.',
  },
  SINK_HBASE_TABLE: {
    disposition: 'fatal',
    summary:
      'The table in HBase is not as the writer needs it: families are missing, or a family’s settings would lose versions.',
    remedy: 'Alter the table as the message says, or let the writer make one of its own under another name.',
  },
  SINK_HBASE_TABLE_MISSING: {
    disposition: 'fatal',
    summary: 'The table is not there, and the writer may not create it.',
    remedy: 'Create it, or set `sink.create: true`.',
  },
  SINK_HBASE_UNREACHABLE: {
    disposition: 'retryable',
    summary: 'HBase does not answer, or the connection to it was lost.',
    remedy:
      'Check `sink.masters`, the network (writers talk to masters and to every region server), and that the servers run.',
  },
  SINK_HBASE_VERSION: {
    disposition: 'fatal',
    summary: 'The servers are of a release of HBase that is too old.',
    remedy: 'Use HBase 2.4 or later.',
  },
  SINK_KEY: {
    disposition: 'fatal',
    summary:
      'The configuration gives no name to a row in the sink: a record without a key, or a key column that is not there.',
    remedy: 'Use columns of the table’s key in the sink’s key template, or leave the topic out of `source.topics`.',
  },
  SINK_MYSQL_ACCESS: {
    disposition: 'fatal',
    summary: 'MySQL refused the user or the password, or the user lacks a right.',
    remedy:
      'Check `sink.user` and `sink.password`. The user needs SELECT, INSERT, UPDATE and DELETE on the tables; SELECT, INSERT, UPDATE and CREATE on `sink.stateDatabase`; CREATE and ALTER on the tables where the writer makes them.',
  },
  SINK_MYSQL_BUSY: {
    disposition: 'retryable',
    summary: 'Others hold locks on the rows for too long, or the server asks to try again.',
    remedy: 'Look for long transactions on the server (`SHOW PROCESSLIST`, `information_schema.INNODB_TRX`).',
  },
  SINK_MYSQL_COLUMN: {
    disposition: 'fatal',
    summary: 'A change has a column that the table in the target lacks.',
    remedy: 'Add the column, leave it out with `transform`, or set `sink.newColumns` to `add` or `ignore`.',
  },
  SINK_MYSQL_DDL: {
    disposition: 'fatal',
    summary:
      'A statement that changed a table in the source cannot be carried out on the target as it is, or `sink.ddl` says to stop at it.',
    remedy:
      'Look at the reason and the statement. Alter the target’s table by hand and start the writer again: it sees that the table is as it should be and goes on. Or leave such statements out (`sink.ddl`).',
  },
  SINK_MYSQL_DDL_WAITS: {
    disposition: 'retryable',
    summary:
      'Changes behind a statement that changed their table wait until all partitions of the table have come to it.',
    remedy:
      'Nothing, while the lag of the other partitions falls. Where one of them stands still, look at the member of the writer that has it.',
  },
  SINK_MYSQL_DUPLICATE: {
    disposition: 'poison',
    summary: 'A row cannot be written, because a row that this writer does not know holds one of its unique values.',
    remedy:
      'Look for that row: it was written by somebody else. Change or delete it, or drop the unique key where the source has none such; then start the writer again.',
  },
  SINK_MYSQL_FAILED: {
    disposition: 'fatal',
    summary: 'MySQL answered with an error that Tapline does not know.',
    remedy: 'Look the number up in the error reference of the server; the message has it.',
  },
  SINK_MYSQL_FULL: {
    disposition: 'retryable',
    summary:
      'The server has no room left, on disk or in memory, and refuses writes. The writer waits; nothing is lost.',
    remedy: 'Make room on the server; its error log says what is full.',
  },
  SINK_MYSQL_KEY: {
    disposition: 'fatal',
    summary: 'The rows of a table cannot be found by the key of the records.',
    remedy: 'Give the table a primary or unique key over the columns of the records’ key.',
  },
  SINK_MYSQL_PACKET: {
    disposition: 'poison',
    summary: 'A row is larger than the server takes in one statement.',
    remedy:
      'Raise max_allowed_packet on the server (bytes count a third more in a statement), on TiDB tidb_txn_entry_size_limit too, and start the writer again.',
  },
  SINK_MYSQL_READ_ONLY: {
    disposition: 'retryable',
    summary: 'The server refuses writes: it is read-only. The writer waits; nothing is lost.',
    remedy: 'Point `sink.host` at the server that takes writes, or SET GLOBAL read_only = 0 where this one should.',
  },
  SINK_MYSQL_STRICT: {
    disposition: 'poison',
    summary: 'With `sink.mode: strict`: an insert meets a row, or an update or a delete meets none.',
    remedy:
      'Somebody else writes to the table, or it was not whole at the start. Mend the row, or use another `sink.mode`.',
  },
  SINK_MYSQL_TABLE: {
    disposition: 'fatal',
    summary: 'The table that the rows go to does not exist.',
    remedy: 'Make it, set `sink.createTables: true`, or correct `sink.database` and `sink.table`.',
  },
  SINK_MYSQL_TABLE_LOST: {
    disposition: 'fatal',
    summary: 'A table that the writer had filled is gone, so what it held is missing too.',
    remedy: 'Put the table back, or fill it anew from the start of its topics.',
  },
  SINK_MYSQL_TAKEN_OVER: {
    disposition: 'retryable',
    summary:
      'With `sink.order: transaction`: another member of the writer has the target now. This one writes nothing any more, and stands by.',
    remedy: 'Nothing, where it is a member of the same writer. Two writers must not have one `name`.',
  },
  SINK_MYSQL_TLS: {
    disposition: 'fatal',
    summary: 'The TLS connection to MySQL could not be made.',
    remedy: 'Check `sink.tls`: the mode, the certificate authority, and the name in the certificate.',
  },
  SINK_MYSQL_UNREACHABLE: {
    disposition: 'retryable',
    summary: 'MySQL does not answer, or the connection to it was lost.',
    remedy: 'Check `sink.host` and `sink.port`, the network, and that the server runs.',
  },
  SINK_MYSQL_VALUE: {
    disposition: 'poison',
    summary:
      'The table refuses a value: out of range, too long, NULL, not of its type, or against a CHECK or a trigger.',
    remedy: 'Make the column as the source has it, or take away what refuses the value; then start the writer again.',
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
  SINK_REDIS_NUMBER: {
    disposition: 'poison',
    summary: 'A row’s score, or what it counts, is not a number that Redis can take.',
    remedy:
      'Make one with a transform (`cast`, `compute`, `filter`), such as cents of an amount of money. `onError` says whether the writer stops there or parks the change.',
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
  SINK_SEARCH_ACCESS: {
    disposition: 'fatal',
    summary: 'Elasticsearch or OpenSearch refused the user, or the user may not do something.',
    remedy:
      'Check `sink.username`, `sink.password` and `sink.apiKey`. The user needs the cluster privilege `monitor` and, on its indexes, `create_index`, `write`, `view_index_metadata` and `manage` (or `sink.manageIndexes: false` and only `write`).',
  },
  SINK_SEARCH_ALIAS: {
    disposition: 'fatal',
    summary:
      'The name that `sink.index` gives is an alias of several indexes, and a row’s document could be in any of them.',
    remedy: 'Name an index, an alias of one index, or a template that gives one index a row.',
  },
  SINK_SEARCH_BUSY: {
    disposition: 'retryable',
    summary: 'The store takes no more work now (429): its queues or its memory are full. The writer waits.',
    remedy: 'Wait; lower `lanes` or `sink.bulkBytes` when it goes on, or give the store more nodes.',
  },
  SINK_SEARCH_CLOSED: {
    disposition: 'retryable',
    summary: 'The index is closed. The writer waits until it is opened.',
    remedy: 'POST /INDEX/_open, or name another index.',
  },
  SINK_SEARCH_CONTENDED: {
    disposition: 'retryable',
    summary: 'Writers changed the same documents at the same time, again and again. The writer waits; nothing is lost.',
    remedy: 'Wait. When it does not go on, let fewer writers fill the index.',
  },
  SINK_SEARCH_DOCUMENT: {
    disposition: 'fatal',
    summary: '`sink.document` does not fit the tables: a table without a part in it, or columns that do not join.',
    remedy:
      'Correct `sink.document` after the message: tables as `database.table`, all key columns on the right of `on`, columns as they are behind `transform`. Leave topics of other tables out of `source.topics`.',
  },
  SINK_SEARCH_DOCUMENT_FULL: {
    disposition: 'poison',
    summary: 'A row has no room in the document that it belongs to.',
    remedy:
      'Raise `sink.document.maxItems` or `sink.document.maxBytes` (and the store’s index.mapping.nested_objects.limit), or leave columns out with `include`.',
  },
  SINK_SEARCH_FAILED: {
    disposition: 'fatal',
    summary: 'Elasticsearch or OpenSearch answered with an error that Tapline does not know.',
    remedy: 'Look the answer up in the store’s documentation; the message has its type and reason.',
  },
  SINK_SEARCH_FULL: {
    disposition: 'retryable',
    summary: 'The store has passed its flood-stage watermark and blocks writes. The writer waits; nothing is lost.',
    remedy:
      'Free disk space or add nodes. Elasticsearch 7.4 and later lift the block by themselves; else PUT /INDEX/_settings {"index.blocks.read_only_allow_delete": null}.',
  },
  SINK_SEARCH_ID: {
    disposition: 'poison',
    summary: 'The id of a row’s document is empty or longer than 512 bytes, which no store takes.',
    remedy: 'Choose key columns that are shorter in `sink.id`.',
  },
  SINK_SEARCH_INDEX_LOST: {
    disposition: 'fatal',
    summary:
      'An index was deleted or made anew after the writer had filled it, so that rows written earlier are not in it.',
    remedy:
      'Start the writer over from the first offset: give it a new `name`, which also fills the index from the beginning. Where a retention rule deletes indexes on purpose, set `sink.lostIndex: create`.',
  },
  SINK_SEARCH_INDEX_MISSING: {
    disposition: 'retryable',
    summary: 'The index is not there, and the store makes none by itself. The writer waits until it is there.',
    remedy: 'Make the index, or set `sink.manageIndexes: true`.',
  },
  SINK_SEARCH_INDEX_NAME: {
    disposition: 'poison',
    summary: 'The template `sink.index` gives a text that cannot be the name of an index.',
    remedy: 'Use columns whose values fit: no blanks, commas or one of \\ / * ? " < > | # :, and no - _ + in front.',
  },
  SINK_SEARCH_INDEX_REFUSED: {
    disposition: 'fatal',
    summary: 'The store refused to make an index or to add fields as they are described.',
    remedy:
      'Look at the reason. Check `sink.settings` and `sink.mappings`; where the store lacks a field type, choose another under `sink.types`.',
  },
  SINK_SEARCH_MAPPING: {
    disposition: 'poison',
    summary: 'A document does not fit the index: a value of another type than its field, or too many fields.',
    remedy:
      'The message names the field. Map it in another way (`sink.types`, `sink.mappings`, a cast under `transform`) and write to a new index, or use `onError: deadLetter`.',
  },
  SINK_SEARCH_NOT_READY: {
    disposition: 'retryable',
    summary: 'A shard or the cluster is not available now (503): a node is starting, moving data, or without a master.',
    remedy: 'Wait; GET /_cluster/health shows what it lacks.',
  },
  SINK_SEARCH_PLACE: {
    disposition: 'fatal',
    summary: 'A row’s index or routing comes from its columns, and an update does not say what they were.',
    remedy:
      'Let the reader publish whole images (`binlog_row_image=FULL`, not `beforeImage: none`), or use only key columns in `sink.index` and `sink.routing`.',
  },
  SINK_SEARCH_PRODUCT: {
    disposition: 'fatal',
    summary: 'What answers at `sink.node` is no Elasticsearch.',
    remedy: 'For OpenSearch use `sink.type: opensearch`. A proxy must let the header X-Elastic-Product pass.',
  },
  SINK_SEARCH_QUOTA: {
    disposition: 'retryable',
    summary: 'The store makes no more indexes: its limit of shards is reached. The writer waits; nothing is lost.',
    remedy: 'Delete indexes that nobody needs, add nodes, or raise cluster.max_shards_per_node.',
  },
  SINK_SEARCH_READ_ONLY: {
    disposition: 'retryable',
    summary: 'The index has a write block. The writer waits until it is taken away.',
    remedy: 'PUT /INDEX/_settings {"index.blocks.write": null, "index.blocks.read_only": null}.',
  },
  SINK_SEARCH_TOO_LARGE: {
    disposition: 'poison',
    summary: 'The store, or a proxy in front of it, takes no request of the size of one document.',
    remedy: 'Raise http.max_content_length (and the proxy’s limit), or leave large columns out with `transform`.',
  },
  SINK_SEARCH_UNREACHABLE: {
    disposition: 'retryable',
    summary: 'Elasticsearch or OpenSearch does not answer, or the connection to it was lost.',
    remedy: 'Check `sink.node`, the network, the certificate authority under `sink.tls`, and that the server runs.',
  },
} as const satisfies Record<string, ErrorCodeEntry>;
