/** One request as it was sent. */
export interface HttpRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly body: Buffer;
}

const HEAD_END = '\r\n\r\n';

/** Parts what was sent on a connection into its requests (RFC 9112: a head, and a body of Content-Length bytes or in chunks). */
export function httpRequests(sent: Buffer): HttpRequest[] {
  const requests: HttpRequest[] = [];
  for (let at = 0; at < sent.length; ) {
    const headEnd = sent.indexOf(HEAD_END, at);
    if (headEnd < 0) throw new Error('a request has no end of its head');
    const head = sent.toString('latin1', at, headEnd);
    const [method = '', path = ''] = head.split(' ', 2);
    const start = headEnd + HEAD_END.length;
    const { body, end } = /\r\ntransfer-encoding: *chunked/i.test(head)
      ? chunkedBody(sent, start)
      : bodyOf(sent, start, Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0));
    requests.push({ method, path, body });
    at = end;
  }
  return requests;
}

interface Body {
  readonly body: Buffer;
  /** Where the next request begins. */
  readonly end: number;
}

function bodyOf(sent: Buffer, start: number, bytes: number): Body {
  return { body: sent.subarray(start, start + bytes), end: start + bytes };
}

/** chunked-body = *( size CRLF data CRLF ) "0" CRLF CRLF, as Node and undici send it: without extensions and trailers. */
function chunkedBody(sent: Buffer, start: number): Body {
  const chunks: Buffer[] = [];
  for (let at = start; ; ) {
    const lineEnd = sent.indexOf('\r\n', at);
    const size = Number.parseInt(sent.toString('latin1', at, lineEnd), 16);
    at = lineEnd + 2;
    if (!(size > 0)) return { body: Buffer.concat(chunks), end: at + 2 };
    chunks.push(sent.subarray(at, at + size));
    at += size + 2;
  }
}
