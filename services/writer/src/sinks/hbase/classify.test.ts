import { expect, test } from '@jest/globals';
import { classify } from './classify.ts';
import { ConnectionLost, RemoteException } from './rpc/connection.ts';

const exception = (name: string, final: boolean): RemoteException =>
  new RemoteException(name, 'text that nobody reads', final);

test.each([
  [exception('org.apache.hadoop.hbase.NotServingRegionException', false), 'SINK_HBASE_REGION', 'retryable'],
  [exception('org.apache.hadoop.hbase.RegionTooBusyException', false), 'SINK_HBASE_BUSY', 'retryable'],
  [exception('org.apache.hadoop.hbase.quotas.SpaceLimitingException', true), 'SINK_HBASE_QUOTA', 'retryable'],
  [exception('org.apache.hadoop.hbase.security.AccessDeniedException', true), 'SINK_HBASE_ACCESS', 'fatal'],
  [exception('org.apache.hadoop.hbase.regionserver.NoSuchColumnFamilyException', true), 'SINK_HBASE_TABLE', 'fatal'],
  [exception('org.apache.hadoop.hbase.DoNotRetryIOException', true), 'SINK_HBASE_FAILED', 'fatal'],
  [exception('java.io.IOException', true), 'SINK_HBASE_NOT_READY', 'retryable'],
  [exception('java.lang.Anything', true), 'SINK_HBASE_FAILED', 'fatal'],
  [exception('java.lang.Anything', false), 'SINK_HBASE_NOT_READY', 'retryable'],
  [new ConnectionLost('ECONNREFUSED'), 'SINK_HBASE_UNREACHABLE', 'retryable'],
  [
    new ConnectionLost('EPROTO', exception('org.apache.hadoop.hbase.ipc.FatalConnectionException', true)),
    'SINK_HBASE_ACCESS',
    'fatal',
  ],
  [new TypeError('a mistake of ours'), 'INTERNAL', 'fatal'],
])('%s is %s', (error, code, disposition) => {
  expect(classify(error, 'host:1')).toMatchObject({ code, disposition });
});
