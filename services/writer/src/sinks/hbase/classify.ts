import { type ErrorCode, TaplineError } from '@tapline/kernel';
import { ConnectionLost, RemoteException } from './rpc/connection.ts';

const HBASE = 'org.apache.hadoop.hbase.';

/** What a class of exception means; its text is for people and is never looked at. */
const BY_CLASS: Readonly<Record<string, ErrorCode>> = {
  // The region or its server is elsewhere, or not there yet.
  [`${HBASE}NotServingRegionException`]: 'SINK_HBASE_REGION',
  [`${HBASE}UnknownRegionException`]: 'SINK_HBASE_REGION',
  [`${HBASE}exceptions.RegionMovedException`]: 'SINK_HBASE_REGION',
  [`${HBASE}exceptions.RegionOpeningException`]: 'SINK_HBASE_REGION',
  [`${HBASE}exceptions.RegionInRecoveryException`]: 'SINK_HBASE_REGION',
  [`${HBASE}client.RegionOfflineException`]: 'SINK_HBASE_REGION',
  [`${HBASE}regionserver.WrongRegionException`]: 'SINK_HBASE_REGION',
  [`${HBASE}regionserver.NoSuchRegionException`]: 'SINK_HBASE_REGION',
  [`${HBASE}regionserver.RegionServerRunningException`]: 'SINK_HBASE_NOT_READY',
  [`${HBASE}regionserver.RegionServerStoppedException`]: 'SINK_HBASE_NOT_READY',
  [`${HBASE}regionserver.RegionServerAbortedException`]: 'SINK_HBASE_NOT_READY',
  [`${HBASE}ipc.ServerNotRunningYetException`]: 'SINK_HBASE_NOT_READY',
  [`${HBASE}exceptions.MasterStoppedException`]: 'SINK_HBASE_NOT_READY',
  [`${HBASE}MasterNotRunningException`]: 'SINK_HBASE_NOT_READY',
  [`${HBASE}PleaseHoldException`]: 'SINK_HBASE_NOT_READY',
  [`${HBASE}PleaseRestartMasterException`]: 'SINK_HBASE_NOT_READY',
  [`${HBASE}UnknownScannerException`]: 'SINK_HBASE_NOT_READY',
  // Something below the region failed: the log, a file, a thread that was ended.
  'java.io.IOException': 'SINK_HBASE_NOT_READY',
  'java.io.InterruptedIOException': 'SINK_HBASE_NOT_READY',
  [`${HBASE}DroppedSnapshotException`]: 'SINK_HBASE_NOT_READY',
  [`${HBASE}regionserver.wal.WALSyncTimeoutIOException`]: 'SINK_HBASE_NOT_READY',
  [`${HBASE}regionserver.wal.WALClosedException`]: 'SINK_HBASE_NOT_READY',
  // It is there, and has too much to do.
  [`${HBASE}RegionTooBusyException`]: 'SINK_HBASE_BUSY',
  [`${HBASE}CallDroppedException`]: 'SINK_HBASE_BUSY',
  [`${HBASE}CallQueueTooBigException`]: 'SINK_HBASE_BUSY',
  [`${HBASE}ipc.CallTimeoutException`]: 'SINK_HBASE_BUSY',
  [`${HBASE}regionserver.ServerTooBusyException`]: 'SINK_HBASE_BUSY',
  [`${HBASE}ipc.ServerTooBusyException`]: 'SINK_HBASE_BUSY',
  [`${HBASE}exceptions.TimeoutIOException`]: 'SINK_HBASE_BUSY',
  [`${HBASE}quotas.RpcThrottlingException`]: 'SINK_HBASE_QUOTA',
  [`${HBASE}quotas.SpaceLimitingException`]: 'SINK_HBASE_QUOTA',
  [`${HBASE}quotas.QuotaExceededException`]: 'SINK_HBASE_QUOTA',
  // A person has to look.
  [`${HBASE}security.AccessDeniedException`]: 'SINK_HBASE_ACCESS',
  'org.apache.hadoop.security.AccessControlException': 'SINK_HBASE_ACCESS',
  [`${HBASE}ipc.FatalConnectionException`]: 'SINK_HBASE_ACCESS',
  [`${HBASE}ipc.WrongVersionException`]: 'SINK_HBASE_ACCESS',
  [`${HBASE}ipc.BadAuthException`]: 'SINK_HBASE_ACCESS',
  [`${HBASE}TableNotFoundException`]: 'SINK_HBASE_TABLE_MISSING',
  [`${HBASE}NamespaceNotFoundException`]: 'SINK_HBASE_TABLE_MISSING',
  [`${HBASE}regionserver.NoSuchColumnFamilyException`]: 'SINK_HBASE_TABLE',
  [`${HBASE}exceptions.FailedSanityCheckException`]: 'SINK_HBASE_TABLE',
  [`${HBASE}TableNotEnabledException`]: 'SINK_HBASE_DISABLED',
};

/** Anything a call rejected with, as one of our errors. */
export function classify(error: unknown, server: string): TaplineError {
  if (error instanceof TaplineError) return error;
  const place = { address: server };
  if (error instanceof RemoteException) {
    const code = BY_CLASS[error.className] ?? (error.final ? 'SINK_HBASE_FAILED' : 'SINK_HBASE_NOT_READY');
    return new TaplineError(code, { message: `HBase answered: ${error.message}`, place, cause: error });
  }
  if (error instanceof ConnectionLost && error.cause instanceof RemoteException) return classify(error.cause, server);
  if (error instanceof ConnectionLost) {
    return new TaplineError('SINK_HBASE_UNREACHABLE', {
      message: `No answer from HBase: ${error.code}.`,
      place,
      cause: error,
    });
  }
  return new TaplineError('INTERNAL', { message: 'A call to HBase failed.', place, cause: error });
}
