import { request as sendRequest } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import type { HttpReply, HttpSend } from '@linnet/common';

/**
 * Sends requests to a server of this process that need not listen: over a pair of streams, one of which the server
 * takes for a connection. All that it does with requests, it does with these.
 */
export function sendInProcess(server: Server): HttpSend {
  return ({ url, method, headers, signal, body }) =>
    new Promise((resolve, reject) => {
      const createConnection = () => connectInProcess(server);
      const request = sendRequest(url, { method, headers, signal, createConnection }, (response) => {
        collect(response).then(resolve, reject);
      });
      request.on('error', reject);
      request.end(typeof body === 'object' ? Buffer.concat(body) : body);
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
  const header = (name: string) => {
    const value = response.headers[name];
    return (typeof value === 'string' ? value : value?.join(', ')) ?? null;
  };
  return { status: response.statusCode!, header, body: Buffer.concat(chunks) };
}
