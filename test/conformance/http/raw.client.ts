import { Agent, request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

/** A message of the recorded vectors. */
export interface RawRequest {
  method: string;
  target: string;
  headers: [string, string][];
  body?: RawBody | null;
}
export interface RawResponse {
  status: number;
  headers: [string, string][];
  body?: RawBody | null;
}
export type RawBody = { text: string } | { base64: string };

export interface Answer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Decompressed. */
  readonly body: Buffer;
}

const agent = new Agent({ keepAlive: false });

export function bytesOf(body: RawBody | null | undefined): Buffer {
  if (!body) return Buffer.alloc(0);
  return 'text' in body ? Buffer.from(body.text) : Buffer.from(body.base64, 'base64');
}

/** Sends a request as it is: nothing is resolved, encoded or added but `Host`. */
export function send(port: number, { method, target, headers, body }: RawRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path: target,
        headers: ['Host', `127.0.0.1:${port}`, ...headers.flat()],
        agent,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const answer = response.headers as Record<string, string | undefined>;
          const sent = Buffer.concat(chunks);
          resolve({
            status: response.statusCode!,
            headers: answer,
            body: decompress(sent, answer['content-encoding']),
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(bytesOf(body));
  });
}

function decompress(bytes: Buffer, encoding: string | undefined): Buffer {
  if (bytes.byteLength === 0) return bytes;
  if (encoding === 'br') return brotliDecompressSync(bytes);
  return encoding === 'gzip' ? gunzipSync(bytes) : bytes;
}
