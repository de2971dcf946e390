import { describe, expect, it } from '@jest/globals';
import { Uploads } from './stream.upload.js';

const request = (...args: unknown[]) => ({
  definition: { interfaceName: 'Files', interfaceVersion: '1.0.0' },
  operation: 'upload',
  policy: { allowResponseCaching: false, stream: false },
  arguments: args,
  activity: {} as never,
  token: undefined,
  headers: {},
  timeoutMs: undefined,
  signal: new AbortController().signal,
});

async function* numbers() {
  yield 1;
}

describe('a stream among the arguments in a page', () => {
  const uploads = new Uploads(true, () => false);

  it('is a part of a Blob if it is one', async () => {
    const { type, body } = await uploads.of(request('a', new Blob(['content'])));
    const boundary = /boundary=(.*); stream=1$/.exec(type)![1]!;
    expect(await (body as Blob).text()).toBe(
      `--${boundary}\r\nContent-Disposition: form-data; name="objects"\r\n\r\n` +
        '["a",{"isBinary":true,"isStream":true,"index":0,"size":0,"chunks":1}]\r\n' +
        `--${boundary}\r\nContent-Disposition: form-data; name="stream-0"\r\n` +
        `Content-Type: application/octet-stream\r\n\r\ncontent\r\n--${boundary}--\r\n`,
    );
  });

  it('is refused if the browser cannot send it, and is not read', async () => {
    const source = numbers();
    await expect(uploads.of(request(source))).rejects.toThrow(
      'Files.upload: this page cannot send a stream over HTTP while it is made. Pass a Blob or a File, or use RPC over IPC.',
    );
    expect(await source.next()).toEqual({ done: false, value: 1 });
  });

  it('has the bytes of each item, if the producer uses its buffer again', async () => {
    const reused = async function* () {
      const buffer = new Uint8Array(3);
      for (const content of [97, 98, 99]) yield buffer.fill(content);
    };
    const { body } = await new Uploads(true, () => true).of(request(reused()));
    const chunks: Uint8Array[] = [];
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toContain('aaabbbccc');
  });

  it('leaves turns of the event loop to other work, however fast its producer is', async () => {
    const endless = async function* () {
      for (let i = 0; ; i++) yield i;
    };
    const { body } = await new Uploads(true, () => true).of(request(endless()));
    let isOthersTurn = false;
    setImmediate(() => (isOthersTurn = true));
    let chunks = 0;
    for await (const _ of body as unknown as AsyncIterable<Uint8Array>)
      if (isOthersTurn || ++chunks === 10_000) break;
    expect(chunks).toBeLessThan(10_000);
  });

  it('is sent while it is made if the browser can', async () => {
    const { type, body } = await new Uploads(true, () => true).of(request(numbers()));
    expect(type).toBe('application/vnd.linnet.stream');
    expect(body).toBeInstanceOf(ReadableStream);
  });
});
