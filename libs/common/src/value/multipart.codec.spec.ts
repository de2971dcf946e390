import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { boundaryOf, decodeMultipart, encodeMultipart, MultipartError } from './multipart.codec.js';
import type { Part } from './multipart.codec.js';
import { MultipartReader } from './multipart.reader.js';

const limits = { parts: 50, partHeaderBytes: 500 };
const boundary = 'x-yy-x';

function read(body: Uint8Array, cuts: number[] = [], using = boundary): readonly Part[] {
  const reader = new MultipartReader(using, limits);
  const ends = [...cuts.map((cut) => cut % (body.byteLength + 1)).toSorted((a, b) => a - b), body.byteLength];
  const chunks: Buffer[] = [];
  let start = 0;
  for (const end of ends) {
    const chunk = Buffer.from(body.subarray(start, end));
    chunks.push(chunk);
    reader.push(chunk);
    start = end;
  }
  const parts = reader.end();
  // A body that is all there is read to the same parts.
  expect(show(decodeMultipart(body, using))).toEqual(show(parts));
  // A part owns its memory: it does not share the memory of the chunks.
  for (const chunk of chunks) chunk.fill(0xee);
  return parts;
}

const body = (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'));
const part = (name: string, content: string) =>
  `--${boundary}\nContent-Disposition: form-data; name="${name}"\n\n${content}\n`;
const show = (parts: readonly Part[]) =>
  parts.map(({ name, bytes }) => [name, Buffer.from(bytes).toString('latin1')]);

/** Bytes that look like the syntax around them. */
const dataLike = fc
  .array(
    fc.constantFrom(
      '\r\n',
      '--',
      `--${boundary}`.slice(0, -1),
      `\r\n--${boundary.slice(0, 3)}`,
      '\r',
      '\n',
      '-',
      'x',
      '\0',
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''))
  .filter((text) => !text.includes(`\r\n--${boundary}`) && !text.startsWith(`--${boundary}`))
  .map((text) => new Uint8Array(Buffer.from(text)));
const contents = fc.array(fc.oneof(dataLike, fc.uint8Array({ maxLength: 300 })), { maxLength: 6 });
const encode = (objects: string, data: Uint8Array[]) =>
  Buffer.concat(encodeMultipart(objects, data, boundary));

describe('a multipart body', () => {
  it('has the same parts however it is cut, down to single bytes', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        contents,
        fc.array(fc.nat(), { maxLength: 20 }),
        (objects, data, cuts) => {
          fc.pre(!objects.includes(boundary));
          const whole = encode(objects, data);
          const expected = [Buffer.from(objects), ...data.map((bytes) => Buffer.from(bytes))];
          const everyByte = Array.from({ length: whole.byteLength }, (_, i) => i);
          for (const chunking of [[], cuts, everyByte]) {
            const parts = read(whole, chunking);
            expect(parts.map(({ name }) => name)).toEqual(['objects', ...data.map((_, i) => `data-${i}`)]);
            expect(parts.map(({ bytes }) => Buffer.from(bytes))).toEqual(expected);
          }
        },
      ),
    );
  });

  it('is refused as truncated if it ends anywhere before its end', () => {
    const whole = encode('[{"a":1}]', [Uint8Array.of(1, 2), new Uint8Array()]);
    // The line break after the last delimiter does not belong to it.
    for (let length = 0; length < whole.byteLength - 2; length++) {
      expect(() => read(whole.subarray(0, length))).toThrow('truncated');
      expect(() =>
        read(
          whole.subarray(0, length),
          Array.from({ length }, (_, i) => i),
        ),
      ).toThrow('truncated');
    }
    expect(read(whole.subarray(0, -2))).toHaveLength(3);
  });

  it('can have empty parts, also without the line break of a part body', () => {
    const empty = `--${boundary}\nContent-Disposition: form-data; name="a"\n\n--${boundary}`;
    for (const text of [`${part('a', '')}--${boundary}--`, `${empty}--`])
      for (const cuts of [[], Array.from({ length: 300 }, (_, i) => i)])
        expect(show(read(body(text), cuts))).toEqual([['a', '']]);
    expect(show(read(body(`${empty}\n${part('b', 'c').slice(boundary.length + 3)}--${boundary}--`)))).toEqual(
      [
        ['a', ''],
        ['b', 'c'],
      ],
    );
  });

  it('can have a preamble, an epilogue, blanks behind a delimiter, more headers, and names without quotes', () => {
    const text =
      `preamble --${boundary}\n--${boundary}  \t\n` +
      `X: 1\ncontent-disposition: form-data; filename="blob"; name=bare\nContent-Type: a/b\n\nv\n${part('q', `-x--${boundary}`)}--${boundary}--\nepilogue\n--${boundary}\n`;
    for (const cuts of [[], Array.from({ length: 400 }, (_, i) => i)])
      expect(show(read(body(text), cuts))).toEqual([
        ['bare', 'v'],
        ['q', `-x--${boundary}`],
      ]);
  });

  it('has delimiters only behind line breaks', () => {
    expect(show(read(body(`${part('a', `x--${boundary}`)}--${boundary}--`)))).toEqual([
      ['a', `x--${boundary}`],
    ]);
    expect(show(read(body(`${part('a', `\n\n--${boundary.slice(0, -1)}\n`)}--${boundary}--`)))).toEqual([
      ['a', `\r\n\r\n--${boundary.slice(0, -1)}\r\n`],
    ]);
  });

  it('can have a hundred blanks behind a delimiter, and not more', () => {
    const text = (blanks: number) =>
      `--${boundary}${' '.repeat(blanks)}${part('a', 'x').slice(boundary.length + 2)}--${boundary}--`;
    expect(show(read(body(text(100))))).toEqual([['a', 'x']]);
    expect(() => read(body(text(101)))).toThrow('A multipart delimiter is malformed.');
  });

  it.each([
    ['junk behind a delimiter', `--${boundary}junk\n\n`, 'malformed'],
    ['endless blanks behind a delimiter', `--${boundary}${' '.repeat(200)}`, 'malformed'],
    ['a part without a name', `--${boundary}\nContent-Type: a/b\n\nx\n--${boundary}--`, 'no name'],
    ['a part without headers', `--${boundary}\n\nx\n--${boundary}--`, 'no name'],
    ['too many parts', `${part('a', '').repeat(51)}--${boundary}--`, 'more than 50 parts'],
    ['a header without end', `--${boundary}\nX: ${'y'.repeat(600)}`, 'too long'],
  ])('is refused with %s', (_name, text, message) => {
    expect(() => read(body(text))).toThrow(message);
    expect(() =>
      read(
        body(text),
        Array.from({ length: text.length + 10 }, (_, i) => i),
      ),
    ).toThrow(message);
  });

  it('is refused if it has random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(() => read(Buffer.concat([Buffer.from(`--${boundary}\r\n`), bytes]))).toThrow(MultipartError);
      }),
    );
  });
});

describe('the boundary of a multipart body', () => {
  it.each([
    ['multipart/form-data; boundary=abc', 'abc'],
    ['multipart/form-data; boundary="a b;c"', 'a b;c'],
    ['multipart/form-data; charset=utf-8; Boundary=abc; x=y', 'abc'],
    ['multipart/form-data;boundary=----formdata-undici-0123', '----formdata-undici-0123'],
  ])('is found in %s', (contentType, expected) => expect(boundaryOf(contentType)).toBe(expected));

  it.each([
    'multipart/form-data',
    'multipart/form-data; boundary=',
    `a/b; boundary=${'x'.repeat(71)}`,
    'a/b; boundary="é"',
  ])('is missing or malformed in %s', (contentType) =>
    expect(() => boundaryOf(contentType)).toThrow('boundary'),
  );
});
