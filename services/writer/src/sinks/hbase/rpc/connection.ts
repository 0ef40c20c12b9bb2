import { connect, type Socket } from 'node:net';
import { type Deferred, deferred, orAbort } from '@tapline/kernel';
import { CELL_CODEC, type CellBlock } from './cells.ts';
import { Fields, MessageWriter, takeDelimited } from './message.ts';

/**
 * One connection to a service of a master or region server (HBase reference guide, "RPC"; RPC.proto):
 *
 *     preamble = "HBas" version(0) auth(80: SIMPLE)
 *     header   = int32(length) ConnectionHeader{user_info=1{effective_user=1}, service_name=2, cell_block_codec_class=3}
 *     request  = int32(length) delimited RequestHeader{call_id=1, method_name=3, request_param=4, cell_block_meta=5{length=1}, timeout=7}
 *                delimited message, cells
 *     response = int32(length) delimited ResponseHeader{call_id=1, exception=2} delimited message
 *
 * Where a codec is named, the cells of answers come behind them too; where none is, they stand in the messages themselves.
 */
const PREAMBLE = Buffer.from([0x48, 0x42, 0x61, 0x73, 0, 80]);
const KEEP_ALIVE_MS = 10_000;

/** What a server answered instead of a result: the class of its exception is the code, its text is for people. */
export class RemoteException extends Error {
  override readonly name = 'RemoteException';
  readonly className: string;
  /** Whether the server says that the same call will never succeed. */
  readonly final: boolean;

  constructor(className: string, text: string, final: boolean) {
    super(`${className}: ${(text.split('\n')[0] ?? '').slice(0, 500)}`);
    this.className = className;
    this.final = final;
  }
}

/** The connection was closed, by whom or for what is in the message or the cause; `code` as Node's sockets have it. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  readonly code: string;

  constructor(code: string, cause?: unknown) {
    super(`the connection was lost: ${code}`, { cause });
    this.code = code;
  }
}

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** `ClientService`, `MasterService`, `ClientMetaService`. */
  readonly service: string;
  readonly user: string;
  /** Requests may have cells behind them. */
  readonly cells: boolean;
  /** An answer that takes longer closes the connection; so does a connection that takes longer to be made. */
  readonly timeoutMs: number;
}

/** A request that is ready to be sent, once. */
export interface Request {
  readonly frame: Buffer;
  readonly cells: Buffer | undefined;
}

interface RequestParts {
  readonly method: string;
  readonly timeoutMs: number;
  /** Scratch. */
  readonly message: MessageWriter;
  /** Filled by `write`, and the request's until it is answered. */
  readonly cells?: CellBlock | undefined;
}

/** Makes a request, whose method's message `write` writes. */
export function makeRequest(
  { method, timeoutMs, message, cells }: RequestParts,
  write: (message: MessageWriter) => void,
): Request {
  message.cut(0);
  message.skip(4);
  const header = message.skip(4);
  // What is known when the request is sent, or when all of it is written, is padded, so that it is always of one length.
  message.raw(NO_CALL_ID);
  message.text(3, method);
  message.bool(4, true);
  let cellBytesAt = 0;
  if (cells !== undefined) {
    const meta = message.open(5);
    cellBytesAt = message.length;
    message.raw(NO_CELL_BYTES);
    message.close(meta);
  }
  message.uint(7, timeoutMs);
  message.delimit(header, message.length - header - 4);
  const started = message.skip(4);
  write(message);
  message.delimit(started, message.length - started - 4);
  const cellBytes = cells?.length ?? 0;
  message.int32(message.length - 4 + cellBytes, 0);
  const frame = message.finish();
  if (cells !== undefined) setPadded(frame, cellBytesAt, cellBytes);
  return { frame, cells: cells?.written };
}

const CALL_ID_AT = 8;
const NO_CALL_ID = Buffer.from([1 << 3, 128, 128, 128, 128, 0]);
const NO_CELL_BYTES = NO_CALL_ID;

/** Fills a varint of field 1 in that was written as `NO_CALL_ID`: up to 2^28. */
function setPadded(frame: Buffer, at: number, value: number): void {
  for (let group = 0; group < 4; group++) frame[at + 1 + group] = ((value >>> (7 * group)) & 127) | 128;
}

export class Connection implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  readonly #calls = new Map<number, Deferred<Buffer>>();
  #lastId = 0;
  #lost: ConnectionLost | undefined;
  #chunks: Buffer[] = [];
  #received = 0;
  /** Bytes that the frame being received needs in all. */
  #wanted = 4;

  private constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#lose(codeOf(error), error));
    socket.on('close', () => this.#lose('ECONNRESET'));
  }

  /** @throws ConnectionLost */
  static async open(options: ConnectionOptions, signal: AbortSignal): Promise<Connection> {
    const socket = connect({ host: options.host, port: options.port, noDelay: true });
    try {
      await orAbort(connected(socket, options.timeoutMs), signal);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.write(preamble(options));
    return new Connection(socket, options.timeoutMs);
  }

  get open(): boolean {
    return this.#lost === undefined;
  }

  /**
   * Requests are worked off side by side: their answers may come in any order.
   *
   * @returns the answer's message
   * @throws RemoteException, ConnectionLost
   */
  async send({ frame, cells }: Request): Promise<Buffer> {
    if (this.#lost !== undefined) throw this.#lost;
    const id = ++this.#lastId;
    setPadded(frame, CALL_ID_AT, id);
    const answer = deferred<Buffer>();
    this.#calls.set(id, answer);
    if (cells !== undefined) this.#socket.cork();
    this.#socket.write(frame);
    if (cells !== undefined) {
      this.#socket.write(cells);
      this.#socket.uncork();
    }
    const timer = setTimeout(() => this.#lose('ETIMEDOUT'), this.#timeoutMs);
    try {
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#calls.delete(id);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#lose('ECANCELED');
    return Promise.resolve();
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    if (this.#received < this.#wanted) return;
    let buffer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    try {
      while (buffer.length >= 4 && buffer.length >= 4 + buffer.readInt32BE(0)) {
        const end = 4 + buffer.readInt32BE(0);
        this.#answer(buffer.subarray(4, end));
        buffer = buffer.subarray(end);
      }
    } catch (error) {
      this.#lose('EBADMSG', error);
      return;
    }
    this.#chunks = [buffer];
    this.#received = buffer.length;
    this.#wanted = buffer.length < 4 ? 4 : 4 + buffer.readInt32BE(0);
  }

  #answer(frame: Buffer): void {
    const { message, rest } = takeDelimited(frame);
    const header = new Fields(message);
    let id = 0;
    let exception: Buffer | undefined;
    while (header.next()) {
      if (header.field === 1) id = header.number;
      else if (header.field === 2) exception = header.bytes;
    }
    const call = this.#calls.get(id);
    if (exception !== undefined) {
      const error = readException(exception);
      // An answer to no call of ours is about the connection: the server does not take what we said when we made it.
      if (call === undefined) this.#lose('EPROTO', error);
      else call.reject(error);
    } else call?.resolve(rest.length === 0 ? rest : takeDelimited(rest).message);
  }

  #lose(code: string, cause?: unknown): void {
    if (this.#lost !== undefined) return;
    this.#lost = new ConnectionLost(code, cause);
    // Nothing that still waits to be sent may arrive later, when the call was made again and other writes came after it.
    this.#socket.resetAndDestroy();
    for (const call of this.#calls.values()) call.reject(this.#lost);
  }
}

async function connected(socket: Socket, timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = deferred();
  socket.setTimeout(timeoutMs, () => reject(new ConnectionLost('ETIMEDOUT')));
  socket.once('error', (error) => reject(new ConnectionLost(codeOf(error), error)));
  socket.once('connect', () => {
    socket.setTimeout(0);
    resolve();
  });
  await promise;
}

function preamble({ user, service, cells }: ConnectionOptions): Buffer {
  const header = new MessageWriter(256);
  header.raw(PREAMBLE);
  const length = header.skip(4);
  const info = header.open(1);
  header.text(1, user);
  header.close(info);
  header.text(2, service);
  if (cells) header.text(3, CELL_CODEC);
  header.int32(header.length - length - 4, length);
  return header.finish();
}

/** ExceptionResponse{exception_class_name=1, stack_trace=2, do_not_retry=5} */
function readException(bytes: Buffer): RemoteException {
  const fields = new Fields(bytes);
  let className = '';
  let text = '';
  let final = false;
  while (fields.next()) {
    if (fields.field === 1) className = fields.text;
    else if (fields.field === 2) text = fields.text;
    else if (fields.field === 5) final = fields.number !== 0;
  }
  return new RemoteException(className, text, final);
}

function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : 'ECONNRESET';
}
