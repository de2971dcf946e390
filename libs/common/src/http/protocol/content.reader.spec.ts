import { describe, expect, it } from '@jest/globals';
import { concatBytes } from '../../bytes/bytes.js';
import { encodeMultipart } from '../../value/multipart.codec.js';
import { decodeContent, decodeText } from './content.reader.js';

const bytesOf = (text: string) => new TextEncoder().encode(text);

describe('text', () => {
  it('may be as long as the limit, and not longer', () => {
    expect(decodeText(bytesOf('abc'), 3)).toBe('abc');
    expect(() => decodeText(bytesOf('abcd'), 3)).toThrow('more than 3 bytes of text: maxResponseText');
    expect(decodeText(undefined, 0)).toBe('');
  });

  it('has no limit that is not a number', () => {
    expect(() => decodeText(bytesOf(''), NaN)).toThrow('more than NaN bytes');
  });
});

describe('a result', () => {
  const marker = { isBinary: true, index: 0, size: 2, chunks: 1 };
  const multipart = (objects: string, ...data: Uint8Array[]) => {
    const chunks = encodeMultipart(objects, data, 'b');
    return concatBytes(
      chunks,
      chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0),
    );
  };

  it.each(['text/plain', 'application/json', '', null])(
    'is JSON text with the content type %j',
    (contentType) => {
      expect(decodeContent(bytesOf('{"a":1}'), contentType, 100)).toEqual({ a: 1 });
      expect(decodeContent(bytesOf(''), contentType, 100)).toBeUndefined();
      expect(() => decodeContent(bytesOf('[1,2]'), contentType, 4)).toThrow('more than 4 bytes');
    },
  );

  it.each(['application/octet-stream', 'Application/Octet-Stream; x=1'])(
    'is bytes with %s',
    (contentType) => {
      const body = Uint8Array.of(1, 2);
      expect(decodeContent(body, contentType, 1)).toBe(body);
    },
  );

  it.each(['multipart/form-data; boundary=b', 'Multipart/Mixed; boundary=b'])(
    'has arrays with %s',
    (contentType) => {
      const body = multipart(JSON.stringify({ a: marker }), Uint8Array.of(1, 2));
      const { a } = decodeContent(body, contentType, 100) as { a: Uint8Array };
      expect(a).toEqual(Uint8Array.of(1, 2));
      // It does not keep the whole body.
      expect(a.buffer.byteLength).toBe(2);
      expect(() => decodeContent(body, contentType, 10)).toThrow('more than 10 bytes');
    },
  );
});
