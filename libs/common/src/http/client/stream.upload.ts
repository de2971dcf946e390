import { concatBytes, isBytes } from '../../base/bytes.js';
import { generalError } from '../../base/numbered.error.js';
import { newId } from '../../base/random.id.js';
import { itemsOf } from '../../stream/stream.items.js';
import type { StreamItems } from '../../stream/stream.js';
import { encodeAroundStream } from '../../value/multipart.codec.js';
import { encodeValue } from '../../value/value.codec.js';
import { STREAM_PARAMETER, STREAM_TYPE } from '../protocol/stream.frames.js';
import { FrameWriter } from '../protocol/stream.writer.js';
import { streamMarker } from '../protocol/uploaded.stream.js';
import type { HttpRequest } from './send.js';

/** A request body with a stream among the arguments. */
export interface Upload {
  readonly type: string;
  readonly body: HttpRequest['body'];
  /** The error of the source, if it has failed. */
  failure?: { readonly error: unknown } | undefined;
  /** The call is over: the source is not read on. */
  stop(): void;
}

/**
 * Makes the body of a call with a stream among its arguments: parts for bytes, frames for other items.
 *
 * @param args the arguments
 * @param slot the place of the stream, counted from 1
 * @param checkStreams throws if this platform cannot send a body while it is made
 * @throws Error (rejection) if the platform cannot send the stream, and the error of the source before its first item
 */
export async function uploadOf(
  args: readonly unknown[],
  slot: number,
  source: unknown,
  checkStreams: () => void,
): Promise<Upload> {
  const marked = args.map((each, index) => (index === slot - 1 ? streamMarker : each));
  const { type, head, tail } = multipart(marked);
  // The platform reads it as it sends it. In a page nothing else is known to every browser.
  if (typeof Blob === 'function' && source instanceof Blob)
    return { type, body: new Blob([...head, source, tail]), stop: () => undefined };
  checkStreams();
  const items = itemsOf(source)!;
  const first = await items.next();
  if (first.done || isBytes(first.value)) {
    const bytes = (value: unknown) => {
      if (!isBytes(value))
        throw generalError('The value cannot be sent: a stream of bytes has an item that is not bytes.');
      return value as Uint8Array<ArrayBuffer>;
    };
    return new StreamUpload(type, items, first, head, bytes, () => [tail]);
  }
  const writer = new FrameWriter();
  const written = () => {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    while (writer.size > 0) chunks.push(writer.take() as Uint8Array<ArrayBuffer>);
    return chunks;
  };
  const frame = (value: unknown) => {
    writer.item(value);
    return concat(written());
  };
  const end = () => {
    writer.end();
    return written();
  };
  return new StreamUpload(STREAM_TYPE, items, first, [frame(marked)], frame, end);
}

function multipart(args: readonly unknown[]) {
  const { objects, data } = encodeValue(args);
  const boundary = `linnet-${newId()}`;
  const type = `multipart/form-data; boundary=${boundary}${STREAM_PARAMETER}`;
  const { head, tail } = encodeAroundStream(objects, data, boundary);
  return { type, head: head as Uint8Array<ArrayBuffer>[], tail: tail as Uint8Array<ArrayBuffer> };
}

function concat(chunks: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const total = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return chunks.length === 1 ? chunks[0]! : (concatBytes(chunks, total) as Uint8Array<ArrayBuffer>);
}

/** A body that is made while it is sent, no faster than the connection takes it. */
class StreamUpload implements Upload {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  failure: { readonly error: unknown } | undefined;
  #isOver = false;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;

  /** @param head the bytes before the items; the writers return the bytes of an item, and of the end */
  constructor(
    readonly type: string,
    private readonly items: StreamItems,
    first: IteratorResult<unknown>,
    head: readonly Uint8Array<ArrayBuffer>[],
    private readonly write: (value: unknown) => Uint8Array<ArrayBuffer>,
    private readonly end: () => readonly Uint8Array<ArrayBuffer>[],
  ) {
    let next: IteratorResult<unknown> | undefined = first;
    this.body = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => {
          this.#controller = controller;
          for (const chunk of head) controller.enqueue(chunk);
        },
        pull: async () => {
          const result = next;
          next = undefined;
          await this.#pull(result);
        },
        cancel: () => this.stop(),
      },
      { highWaterMark: 1 },
    );
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.items.return().catch(() => undefined);
    try {
      this.#controller.error(new Error('The call is over.'));
    } catch {
      // The stream was cancelled.
    }
  }

  async #pull(before: IteratorResult<unknown> | undefined): Promise<void> {
    try {
      const { done, value } = before ?? (await this.items.next());
      if (this.#isOver) return;
      if (!done) {
        this.#controller.enqueue(this.write(value));
        return;
      }
      this.#isOver = true;
      for (const chunk of this.end()) this.#controller.enqueue(chunk);
      this.#controller.close();
    } catch (error) {
      if (this.#isOver) return;
      this.failure = { error };
      this.stop();
    }
  }
}

/**
 * Whether `fetch` of this platform sends a stream while it is made. Browsers without it send the text of the object.
 * (https://developer.chrome.com/docs/capabilities/web-apis/fetch-streaming-requests#feature_detection)
 */
export function sendsStreams(): boolean {
  let isRead = false;
  try {
    const request = new Request('https://example.com', {
      method: 'POST',
      body: new ReadableStream(),
      get duplex() {
        isRead = true;
        return 'half';
      },
    } as RequestInit);
    return isRead && !request.headers.has('Content-Type');
  } catch {
    return false;
  }
}
