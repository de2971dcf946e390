import { ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { HttpResponse, StreamBody } from '@linnet/common';
import { observer, UNCOPIED_BYTES } from '@linnet/common/internal';

const brotli = promisify(brotliCompress);

const compressors = {
  // Node's default is quality 11, which takes a hundred times longer for a tenth less.
  br: (bytes: Uint8Array) =>
    brotli(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength },
    }),
  gzip: promisify(gzip) as (bytes: Uint8Array) => Promise<Buffer>,
};

/** Compresses the body of an answer that asks for it. */
export async function compressBody(answer: HttpResponse): Promise<HttpResponse> {
  const { encoding, headers } = answer;
  if (!encoding) return answer;
  const plain = bytesOf(answer.body);
  const body = await compressors[encoding](plain);
  observer?.compressed?.(plain.byteLength, body.byteLength);
  return { status: answer.status, headers: [...headers, 'Content-Encoding', encoding], body };
}

/** Sends an answer. Does nothing where something has been sent, or nobody listens, already. */
export function writeResponse(response: ServerResponse, answer: HttpResponse): void {
  if (response.headersSent || response.destroyed) return;
  writeHead(response, answer);
  const { body } = answer;
  // In one piece with the head, where it is one piece.
  if (typeof body === 'string' || body instanceof Uint8Array) response.end(body);
  else {
    for (const part of body) response.write(part);
    response.end();
  }
}

/**
 * Sends an answer whose body is a stream: each chunk at once, and no faster than the client reads.
 *
 * @param stream the body, compressed already
 * @throws Error if the head cannot be sent
 */
export function writeStream(response: ServerResponse, answer: HttpResponse, stream: StreamBody): void {
  if (response.headersSent || response.destroyed) {
    stream.return().catch(() => undefined);
    return;
  }
  writeHead(response, answer);
  void pump(response, stream);
}

/** Whether nothing of the application stands between the body of a response and its connection. */
export function writesDirectly(response: ServerResponse): boolean {
  return response.write === ServerResponse.prototype.write;
}

/** Writes the chunks of a body, and asks for more when a large one is sent. Never rejects. */
async function pump(response: ServerResponse, stream: StreamBody): Promise<void> {
  try {
    const isDirect = writesDirectly(response);
    // A middleware that compresses collects what is written, unless it is asked to send it.
    const { flush } = response as { flush?: () => void };
    for (let chunk = await stream.next(); !chunk.done; chunk = await stream.next()) {
      if (response.destroyed) return;
      if (isDirect && chunk.value.byteLength >= UNCOPIED_BYTES) {
        await sent(response, chunk.value);
        continue;
      }
      const isTaken = response.write(chunk.value);
      flush?.call(response);
      if (!isTaken) await drained(response);
    }
    response.end();
  } catch {
    // A broken connection shows the client that the stream has not ended.
    response.destroy();
  }
}

/** Writes a chunk. Resolves when the connection needs its memory no more. */
function sent(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('close', done);
      resolve();
    };
    response.on('close', done);
    response.write(chunk, done);
  });
}

/** Resolves when a response takes more, or never will. */
function drained(response: ServerResponse): Promise<void> | undefined {
  if (response.destroyed) return undefined;
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

/** How long a client that is still sending may take to notice that it has its answer. */
export const LINGER_MS = 500;

/**
 * Answers a request whose body is not going to be read. The connection stays open for a moment, unread: closed
 * at once it would be reset under the bytes on their way, and the client would never see the answer.
 *
 * @returns whether the connection ends with it
 */
export function refuseBody(response: ServerResponse, answer: HttpResponse): boolean {
  if (response.headersSent || response.destroyed) return false;
  const request = response.req;
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  if (request.complete || (length === '0' && encoding === undefined)) {
    writeResponse(response, answer);
    return false;
  }
  request.pause();
  answer.headers.push('Connection', 'close');
  writeHead(response, answer);
  response.write(bytesOf(answer.body));
  const timer = setTimeout(() => response.end(), LINGER_MS);
  response.once('close', () => clearTimeout(timer));
  return true;
}

function writeHead(response: ServerResponse, { status, headers, body, stream }: HttpResponse): void {
  if (status !== 204 && !stream) headers.push('Content-Length', String(lengthOf(body)));
  const vary = headers.indexOf('Vary') + 1;
  if (vary > 0) headers[vary] = mergedVary(response.getHeader('Vary'), headers[vary]!);
  response.writeHead(status, headers);
}

/** Caching headers that a middleware has set stay. */
export function mergedVary(present: number | string | string[] | undefined, value: string): string {
  if (present === undefined) return value;
  return [...new Set(`${String(present)}, ${value}`.split(/\s*,\s*/))].join(', ');
}

/** A body in one piece. */
export function bytesOf(body: HttpResponse['body']): Uint8Array {
  if (typeof body === 'string') return Buffer.from(body);
  return body instanceof Uint8Array ? body : Buffer.concat(body);
}

/** The length of a body in bytes. */
export function lengthOf(body: HttpResponse['body']): number {
  if (typeof body === 'string') return Buffer.byteLength(body);
  return body instanceof Uint8Array ? body.byteLength : body.reduce((sum, part) => sum + part.byteLength, 0);
}
