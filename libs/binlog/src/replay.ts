import { Readable } from 'node:stream';
import { SocketStream } from './stream.ts';
import type { BinlogStream, BinlogStreamOptions } from './types.ts';

/** What a server sent after COM_BINLOG_DUMP, as it came from the socket. */
export interface BinlogRecording {
  readonly chunks: readonly Buffer[];
  /** The file that the dump began in. */
  readonly file: string;
  /** Whether events end with a checksum before the first FORMAT_DESCRIPTION says so. */
  readonly checksums: boolean;
}

/** A recorded dump through the same code as a live one, without a server: for measuring. Behind its last event `pull` rejects, as it does when a server ends a stream. */
export function replayBinlog(
  recording: BinlogRecording,
  options: Pick<BinlogStreamOptions, 'wants' | 'bufferBytes'>,
  signal: AbortSignal,
): BinlogStream {
  const { chunks, file, checksums } = recording;
  const socket = Readable.from(chunks, { objectMode: true });
  const nothing = (): void => undefined;
  return new SocketStream(
    {
      address: { host: 'recording', port: 0, user: '' },
      serverId: 1,
      flavor: 'mysql',
      start: { file, position: 4 },
      wants: (database, table) => options.wants(database, table),
      bufferBytes: options.bufferBytes,
      heartbeatMs: 60_000,
    },
    { socket, checksums, onFailure: nothing, close: () => Promise.resolve(nothing()) },
    signal,
  );
}
