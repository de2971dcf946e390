import { describe, expect, it } from '@jest/globals';
import { utf8 } from '../../bytes/bytes.js';
import { defaultWireLimits } from '../../base/limits.js';
import { encodeMultipart } from '../../value/multipart.codec.js';
import { bodyFor, decodeArguments, FixedBody, refusedBody } from './arguments.reader.js';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const limits = { ...defaultWireLimits, bodyBytes: 100, multipartBytes: 1000, arguments: 3 };
const open = (contentType: string) => bodyFor(contentType, limits, (bytes) => utf8.decode(bytes));
const MULTIPART = 'multipart/form-data; boundary=b';

/** Pushes chunks. @returns the arguments */
function read(contentType: string, ...chunks: Uint8Array[]): unknown[] {
  const body = open(contentType);
  for (const chunk of chunks) body.push(chunk);
  return body.end();
}

describe('a body of text', () => {
  it.each([
    'text/plain',
    'Text/Plain',
    'text/plain; charset=utf-8',
    'text/plain;charset="UTF8"',
    'text/plain; charset=us-ascii',
    'text/plain; format=flowed',
  ])('is read with the content type %s', (contentType) => {
    const text = bytesOf('["é",1]');
    expect(read(contentType, text.subarray(0, 3), text.subarray(3))).toEqual(['é', 1]);
    expect(open(contentType)).toMatchObject({ limit: 100, keeps: true });
  });

  it('may begin with a byte order mark', () => {
    expect(decodeArguments('\u{FEFF}[1]', [], limits)).toEqual([1]);
  });

  it('is refused if it is not a list', () => {
    expect(() => read('text/plain', bytesOf('{}'))).toThrow(
      'Invalid request: the body is no list of arguments.',
    );
  });

  it('may have as many arguments as the limit, and not more', () => {
    expect(read('text/plain', bytesOf('[1,2,3]'))).toEqual([1, 2, 3]);
    expect(() => read('text/plain', bytesOf('[1,2,3,4]'))).toThrow('Invalid request: more than 3 arguments.');
  });
});

describe('a body of bytes', () => {
  it('is one argument', () => {
    expect(read('application/octet-stream', Uint8Array.of(1), Uint8Array.of(2))).toEqual([
      Uint8Array.of(1, 2),
    ]);
    expect(open('application/octet-stream; x=1')).toMatchObject({ limit: 100, keeps: true });
  });
});

describe('a multipart body', () => {
  const multipart = (objects: string, ...data: Uint8Array[]) => encodeMultipart(objects, data, 'b');
  const marker = (index: number, size: number) => ({ isBinary: true, index, size, chunks: 1 });

  it('has arguments and the bytes that they refer to', () => {
    const objects = JSON.stringify([marker(0, 1), marker(1, 2)]);
    expect(read(MULTIPART, ...multipart(objects, Uint8Array.of(1), Uint8Array.of(2, 3)))).toEqual([
      Uint8Array.of(1),
      Uint8Array.of(2, 3),
    ]);
    expect(open(MULTIPART)).toMatchObject({ limit: 1000, keeps: true });
  });

  it('may have as much text as a body of text, and not more', () => {
    const text = (length: number) => JSON.stringify(['x'.repeat(length - 4)]);
    expect(read(MULTIPART, ...multipart(text(100)))).toHaveLength(1);
    expect(() => read(MULTIPART, ...multipart(text(101)))).toThrow(expect.objectContaining({ status: 413 }));
  });

  it.each([
    ['no part "objects"', '--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n[]\r\n--b--'],
    ['no end', '--b\r\nContent-Disposition: form-data; name="objects"\r\n\r\n[]'],
    ['a part without a name', '--b\r\nContent-Disposition: form-data\r\n\r\n[]\r\n--b--'],
  ])('is refused if it has %s', (_name, text) => {
    expect(() => read(MULTIPART, bytesOf(text))).toThrow(expect.objectContaining({ status: 400 }));
  });

  it('is refused without a boundary', () => {
    expect(() => open('multipart/form-data')).toThrow(expect.objectContaining({ status: 400 }));
  });
});

describe('a body of another kind', () => {
  it.each(['', 'application/json', 'text/html', 'text/plain; charset=latin1', 'text/plainer'])(
    'is refused with the content type "%s"',
    (contentType) => {
      expect(() => open(contentType)).toThrow(expect.objectContaining({ status: 415 }));
    },
  );

  it('that is ignored has the arguments of the target, and keeps nothing', () => {
    const body = new FixedBody(7, () => [1]);
    body.push();
    expect([body.end(), body.limit, body.keeps]).toEqual([[1], 7, false]);
  });

  it('that has no space is refused at each step', () => {
    const busy = expect.objectContaining({ status: 503 });
    expect(() => refusedBody.push(Uint8Array.of(1))).toThrow(busy);
    expect(() => refusedBody.end()).toThrow(busy);
    expect(refusedBody.keeps).toBe(false);
  });
});

describe('a body of frames', () => {
  const frame = (kind: number, length: number, content: Uint8Array) => {
    const bytes = new Uint8Array(5 + content.byteLength);
    bytes[0] = kind;
    new DataView(bytes.buffer).setUint32(1, length, true);
    bytes.set(content, 5);
    return bytes;
  };
  const started = () => {
    const body = open('application/vnd.linnet.stream');
    const args = bytesOf('[{"isBinary":true,"isStream":true,"index":0,"size":0,"chunks":1}]');
    body.push(frame(1, args.byteLength, args));
    return { body, upload: body.upload! };
  };

  it('counts the part of an item that has arrived', () => {
    const { body, upload } = started();
    body.push(frame(2, 90, new Uint8Array(80)));
    expect(upload.countBytes()).toBe(80);
    body.push(new Uint8Array(10));
    expect(upload.countBytes()).toBeGreaterThan(90);
    expect(upload.pending!.partial).toBe(0);
  });

  it.each<[string, (upload: NonNullable<ReturnType<typeof started>['upload']>) => unknown]>([
    ['there is no space for it', (upload) => upload.drop(new Error('no space'))],
    ['its method has left', (upload) => upload.items.return()],
  ])('keeps no part of an item if %s', (_why, leave) => {
    const { body, upload } = started();
    body.push(frame(2, 90, new Uint8Array(80)));
    leave(upload);
    expect(upload.countBytes()).toBe(0);
    expect(upload.pending!.partial).toBe(0);
  });
});
