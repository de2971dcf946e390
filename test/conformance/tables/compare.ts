import { expect } from '@jest/globals';
import { bytesOf } from '../http/raw.client.js';
import type { Answer, RawResponse } from '../http/raw.client.js';

/** An answer that differs from the recorded one on purpose; what is not named has to be as recorded. */
export interface Difference {
  /** Why, in one line; docs/differences.md says more. */
  reason: string;
  status?: number;
  /** By lower-case name; `null`: the header is not there. */
  headers?: Record<string, string | null>;
  /** As {@link readable} shows it. */
  body?: unknown;
}

/** Answers below this size are sent as they are, whatever the client accepts. */
const MIN_COMPRESSED_BYTES = 1024;

/** Compares an answer with a recorded one: status, body, and every recorded header. */
export function expectAnswer(answer: Answer, recorded: RawResponse, difference?: Difference): void {
  const recordedHeaders = Object.fromEntries(
    recorded.headers.map(([name, value]) => [name.toLowerCase(), value]),
  );
  // The length of what was recorded says nothing where the encoding differs; ours is compared with our body.
  const { 'content-length': _, ...others } = recordedHeaders;
  const expected = { ...others, ...difference?.headers };
  expect({ status: answer.status, body: readable(answer.body, answer.headers['content-type']) }).toEqual({
    status: difference?.status ?? recorded.status,
    body:
      difference?.body ??
      readable(
        bytesOf(recorded.body),
        difference?.headers?.['content-type'] ?? recordedHeaders['content-type'],
      ),
  });
  expectEncoding(answer, recordedHeaders['content-encoding']);
  expectHeaders(answer, expected);
}

function expectEncoding({ headers, body }: Answer, recorded: string | undefined): void {
  const compressed = recorded !== undefined && body.byteLength >= MIN_COMPRESSED_BYTES;
  expect(headers['content-encoding']).toBe(compressed ? recorded : undefined);
  if (!compressed && body.byteLength > 0) expect(headers['content-length']).toBe(String(body.byteLength));
}

function expectHeaders({ headers }: Answer, expected: Record<string, string | null>): void {
  for (const [name, value] of Object.entries(expected)) {
    // Compared above, with the body that it is about.
    if (['content-encoding', 'transfer-encoding'].includes(name)) continue;
    if (value === null) expect([name, headers[name]]).toEqual([name, undefined]);
    else if (name === 'access-control-allow-headers')
      expect(headers[name]!.split(', ')).toEqual(expect.arrayContaining(value.split(', ')));
    else expect([name, mediaType(name, headers[name])]).toEqual([name, mediaType(name, value)]);
  }
  // Headers that the reference lacks, and a page or a cache needs.
  if (expected['x-protocol-version'] === '2') {
    expect(headers['vary']).toBe('Accept-Encoding, Authorization, X-Protocol-Version, Origin');
    expect(headers['access-control-expose-headers']).toBe(
      'X-Protocol-Version, Retry-After, X-Linnet-Not-Begun',
    );
    expect(headers['etag']).toBeUndefined();
  }
}

/** Boundaries are random. */
function mediaType(name: string, value: string | undefined): string | undefined {
  return name === 'content-type' ? value?.replace(/boundary=.*/, 'boundary=…') : value;
}

/** A body as a person reads it: text, the parts of a multipart body, or hexadecimal bytes. */
function readable(body: Buffer, contentType: string | null | undefined): unknown {
  if (contentType?.startsWith('application/octet-stream')) return body.toString('hex');
  const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(contentType ?? '')?.[1];
  return boundary === undefined ? body.toString() : partsOf(body, boundary);
}

/** Takes well-formed multipart bodies apart, in the simplest way: what is tested must not test itself. */
function partsOf(body: Buffer, boundary: string): { head: string; content: string }[] {
  const text = body.toString('latin1');
  expect(text.endsWith(`\r\n--${boundary}--\r\n`)).toBe(true);
  return `\r\n${text}`
    .split(`\r\n--${boundary}`)
    .slice(1, -1)
    .map((part) => {
      const end = part.indexOf('\r\n\r\n');
      const head = part.slice(2, end);
      const content = Buffer.from(part.slice(end + 4), 'latin1');
      return { head, content: content.toString(head.includes('"objects"') ? 'utf8' : 'hex') };
    });
}
