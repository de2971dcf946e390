import { request as sendRequest } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { duplexPair, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import type { HttpReply, HttpSend, StreamBody } from '@linnet/common';
import { STREAM_TYPE } from '@linnet/common/internal';

/**
 * Sends requests to a server of this process that need not listen: over a pair of streams, one of which the server
 * takes for a connection. All that it does with requests, it does with these.
 */
export function sendInProcess(server: Server): HttpSend {
  return ({ url, method, headers, signal, body, stream }) =>
    new Promise((resolve, reject) => {
      const createConnection = () => connectInProcess(server);
      let isAnswered = false;
      const request = sendRequest(url, { method, headers, signal, createConnection }, (response) => {
        isAnswered = true;
        const isStream = stream && response.headers['content-type'] === STREAM_TYPE;
        if (isStream) resolve({ ...replyOf(response, new Uint8Array()), stream: chunksOf(response) });
        else collect(response).then(resolve, reject);
      });
      request.on('error', reject);
      if (typeof body !== 'object') request.end(body);
      else if (Array.isArray(body)) request.end(Buffer.concat(body));
      else
        pipeline(readableOf(body as Blob | ReadableStream), request).catch((error: unknown) => {
          // A server may answer before it has the whole body, and then closes the connection.
          if (!isAnswered) reject(error);
        });
    });
}

/** A connection to a server of this process that need not listen. */
export function connectInProcess(server: Server): Duplex {
  const [client, peer] = duplexPair();
  // Streams of a pair do not tell each other when they break off, as sockets do.
  client.on('close', () => peer.destroy());
  peer.on('close', () => client.push(null));
  // The event of an HTTPS server after the TLS handshake.
  server.emit(server instanceof TlsServer ? 'secureConnection' : 'connection', peer);
  return client;
}

async function collect(response: IncomingMessage): Promise<HttpReply> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response) chunks.push(chunk as Uint8Array);
  return replyOf(response, Buffer.concat(chunks));
}

/** A body as a stream of Node. */
function readableOf(body: Blob | ReadableStream): Readable {
  return Readable.fromWeb('stream' in body ? body.stream() : body);
}

function chunksOf(response: IncomingMessage): StreamBody {
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>;
  return {
    next: () => chunks.next(),
    return: async () => {
      response.destroy();
      return { done: true, value: undefined };
    },
  };
}

function replyOf(response: IncomingMessage, body: Uint8Array): HttpReply {
  const header = (name: string) => {
    const value = response.headers[name];
    return (typeof value === 'string' ? value : value?.join(', ')) ?? null;
  };
  return { status: response.statusCode!, header, body };
}
