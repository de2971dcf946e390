// Reads streams over HTTP at little cost: bytes and markers are counted on the socket, and only a few items are
// read in full, before anything is measured.
import { once } from 'node:events';
import { connect } from 'node:net';

const PIECE = Buffer.alloc(64 * 1024, 1);
const END = Buffer.from('0\r\n\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');
/** The beginning of the text of an item of 1 KiB. */
const ITEM = Buffer.from('item-');

const lines = (body) => String(body).trim().split('\n');
const events = (body) =>
  lines(body)
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)));

/** How each server is asked: the head of a request, its body, and how a short answer is read. */
export const httpStreams = {
  'raw-stream': {
    request: (operation, count) => post(`/${operation}/${count}`, 'text/plain', ''),
    upload: { head: (length) => postHead('/upload', 'application/octet-stream', length) },
    read: (body) => lines(body).map((line) => JSON.parse(line)),
    readBytes: (body) => body,
  },
  'linnet-stream': {
    request: (operation, count) =>
      post(`/Stream-1.0.0-${operation}`, 'text/plain', `[${count}]`, 'application/vnd.linnet.stream'),
    upload: multipart(),
    read: (body) => frames(body).flatMap(({ kind, content }) => (kind === 1 ? [JSON.parse(content)] : [])),
    readBytes: (body) =>
      Buffer.concat(frames(body).flatMap(({ kind, content }) => (kind === 2 ? [content] : []))),
  },
  trpc: {
    request: (operation, count) =>
      head(
        'GET',
        `/${operation}?input=${encodeURIComponent(JSON.stringify({ count }))}`,
        'text/event-stream',
      ),
    read: (body) => events(body).filter(({ n }) => n !== undefined),
  },
  orpc: {
    request: (operation, count) =>
      post(`/${operation}`, 'application/json', JSON.stringify({ json: { count } })),
    read: (body) => events(body).flatMap(({ json }) => (json ? [json] : [])),
  },
  connect: {
    request: (_operation, count) =>
      post('/bench.StreamService/Large', 'application/connect+proto', envelope(count), undefined, [
        'Connect-Protocol-Version: 1',
      ]),
    read: protobufItems,
  },
};

function head(method, target, accept, more = []) {
  const correlation = 'X-Correlation-Id: 0f8fad5b-d9cb-469f-a165-70867728950e';
  const all = [
    `${method} ${target} HTTP/1.1`,
    'Host: localhost',
    correlation,
    'X-Protocol-Version: 2',
    ...more,
  ];
  return Buffer.from(`${[...all, ...(accept ? [`Accept: ${accept}`] : [])].join('\r\n')}\r\n\r\n`);
}

function postHead(target, contentType, length, accept, more = []) {
  return head('POST', target, accept, [`Content-Type: ${contentType}`, `Content-Length: ${length}`, ...more]);
}

function post(target, contentType, body, accept, more) {
  const bytes = Buffer.from(body);
  return Buffer.concat([postHead(target, contentType, bytes.length, accept, more), bytes]);
}

/** A stream of bytes as the last part of a multipart body. */
function multipart() {
  const boundary = 'linnet-0123456789abcdef';
  const part = (name, contentType) =>
    `--${boundary}\r\nContent-Disposition: form-data; name=${name}\r\n${contentType}\r\n`;
  const marker = { isBinary: true, isStream: true, index: 0, size: 0, chunks: 1 };
  const before =
    `${part('"objects"', '')}${JSON.stringify([marker])}\r\n` +
    part('"stream-0"; filename="blob"', 'Content-Type: application/octet-stream\r\n');
  const after = `\r\n--${boundary}--\r\n`;
  const type = `multipart/form-data; boundary=${boundary}; stream=1`;
  return {
    head: (length) =>
      Buffer.concat([
        postHead('/Stream-1.0.0-upload', type, before.length + length + after.length),
        Buffer.from(before),
      ]),
    after: Buffer.from(after),
  };
}

function frames(body) {
  const all = [];
  for (let at = 0; at < body.length;) {
    const length = body.readUInt32LE(at + 1);
    all.push({ kind: body[at], content: body.subarray(at + 5, at + 5 + length) });
    at += 5 + length;
  }
  if (all.at(-1)?.kind !== 4) throw new Error('A stream of frames without an end.');
  return all;
}

/** An enveloped message whose field 1 is a number. */
function envelope(count) {
  const message = [8];
  for (let rest = count; ; rest >>>= 7) {
    message.push(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) break;
  }
  return Buffer.from([0, 0, 0, 0, message.length, ...message]);
}

/** Items with one number below 128 and a text. */
function protobufItems(body) {
  const items = [];
  for (let at = 0; body[at] === 0;) {
    const length = body.readUInt32BE(at + 1);
    const message = body.subarray(at + 5, at + 5 + length);
    const text = message.subarray(message.indexOf(ITEM));
    items.push({ n: message[0] === 8 ? message[1] : 0, text: String(text) });
    at += 5 + length;
  }
  return items;
}

/** A connection that has one stream at a time. */
export class HttpStreamClient {
  #socket;
  #settle = () => {};

  static async open(port) {
    const client = new HttpStreamClient();
    client.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    client.#socket.on('error', () => {});
    client.#socket.on('close', () => client.#settle(new Error('The server closed a connection.')));
    await once(client.#socket, 'connect');
    return client;
  }

  close() {
    this.#settle = () => {};
    this.#socket.destroy();
  }

  /** Reads a whole answer. @returns its body, without the lengths of its chunks */
  async ask(request) {
    const chunks = [];
    await this.#stream(request, (chunk) => chunks.push(chunk));
    return bodyOf(Buffer.concat(chunks));
  }

  /** Reads a stream of items. @returns how many there were, and when the first one came */
  async items(request) {
    let items = 0;
    let first;
    // An item can begin in one chunk and go on in the next.
    let tail = Buffer.alloc(0);
    await this.#stream(request, (chunk) => {
      if (tail.length > 0) items += occurrences(Buffer.concat([tail, chunk.subarray(0, ITEM.length - 1)]));
      items += occurrences(chunk);
      tail = chunk.subarray(Math.max(0, chunk.length - ITEM.length + 1));
      if (items > 0) first ??= performance.now();
    });
    return { items, first };
  }

  /** Reads a stream of bytes. @returns how many bytes came, with those around them */
  async bytes(request) {
    let bytes = 0;
    await this.#stream(request, ({ length }) => {
      bytes += length;
    });
    return bytes;
  }

  /** Sends pieces of 64 KiB. @returns the answer */
  async upload({ head, after }, count) {
    const answer = this.ask(head(count * PIECE.length));
    for (let i = 0; i < count; i++) if (!this.#socket.write(PIECE)) await once(this.#socket, 'drain');
    if (after) this.#socket.write(after);
    return String(await answer);
  }

  #stream(request, onChunk) {
    return new Promise((resolve, reject) => {
      let begin = Buffer.alloc(0);
      let last = Buffer.alloc(0);
      let missing = Infinity;
      const read = (chunk) => {
        onChunk(chunk);
        if (begin) {
          begin = Buffer.concat([begin, chunk]);
          const end = begin.indexOf(HEAD_END);
          if (end < 0) return;
          const text = begin.latin1Slice(0, end);
          if (!text.startsWith('HTTP/1.1 2'))
            return this.#settle(new Error(`Unexpected answer: ${begin.latin1Slice()}`));
          const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
          if (length) missing = Number(length) + end + 4 - begin.length;
          begin = undefined;
        } else missing -= chunk.length;
        last =
          chunk.length < END.length ? Buffer.concat([last, chunk]).subarray(-END.length) : chunk.subarray(-5);
        if (missing === 0 || (missing === Infinity && last.equals(END))) this.#settle();
      };
      this.#settle = (error) => {
        this.#socket.off('data', read);
        this.#settle = () => {};
        if (error) reject(error);
        else resolve();
      };
      this.#socket.on('data', read);
      this.#socket.write(request);
    });
  }
}

function bodyOf(answer) {
  const end = answer.indexOf(HEAD_END) + 4;
  const body = answer.subarray(end);
  if (!/\r\ntransfer-encoding: *chunked/i.test(answer.latin1Slice(0, end))) return body;
  const chunks = [];
  for (let at = 0; ;) {
    const line = body.indexOf('\r\n', at);
    const length = parseInt(body.latin1Slice(at, line), 16);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(body.subarray(line + 2, line + 2 + length));
    at = line + 4 + length;
  }
}

function occurrences(bytes) {
  let count = 0;
  for (let at = bytes.indexOf(ITEM); at >= 0; at = bytes.indexOf(ITEM, at + ITEM.length)) count++;
  return count;
}
