import { isBytes, joinBytes } from '../../bytes/bytes.js';
import { generalError } from '../../base/numbered.error.js';
import { newId } from '../../base/random.id.js';
import { onAbort } from '../../base/abort.js';
import { afterEvents } from '../../base/turn.slices.js';
import type { RpcReply, RpcRequest } from '../../rpc/client/transport.js';
import { boundItems } from '../../stream/bound.items.js';
import { endingWith, leaveItems } from '../../stream/reading.js';
import { itemsOf } from '../../stream/stream.items.js';
import { splitSources } from '../../stream/stream.source.js';
import type { StreamItems } from '../../stream/stream.js';
import { encodeAroundStream } from '../../value/multipart.codec.js';
import { encodeValue } from '../../value/value.codec.js';
import { STREAM_PARAMETER, STREAM_TYPE } from '../protocol/stream.frames.js';
import { FrameWriter } from '../protocol/stream.writer.js';
import { streamMarker } from '../protocol/uploaded.stream.js';
import type { EncodedArguments, HttpRequest } from './send.js';

/**
 * After this many items other work has its turn, and the answer can be read. A connection of Node takes megabytes of small items at
 * once, and would have the next item read in the same turn.
 */
const ITEMS_PER_TURN = 64;

/** A request body with a stream among the arguments. */
interface Upload extends EncodedArguments {
  readonly type: string;
  readonly body: HttpRequest['body'];
  /** The error of the source, if it has failed. */
  failure?: { readonly error: unknown } | undefined;
  /** The call is over: the source is not read on. */
  stop(): void;
}

/** Makes the bodies of calls with a stream among their arguments. */
export class Uploads {
  /** Streams that calls have begun to read. */
  readonly #read = new WeakSet();

  /**
   * @param isPage whether requests leave a page, which sends a `Blob` best
   * @param sendsStreams whether the page can send a body while it is made
   */
  constructor(
    private readonly isPage: boolean,
    private readonly sendsStreams: () => boolean,
  ) {}

  /**
   * Sends the request of a call, and reads its stream no longer than until the call is over.
   *
   * @param send sends the request with a body
   * @throws (rejection) the error of the source, if it has failed
   */
  async exchange(
    request: RpcRequest,
    send: (content: EncodedArguments) => Promise<RpcReply>,
  ): Promise<RpcReply> {
    const upload = await this.of(request);
    try {
      const reply = await send(upload);
      if (upload.failure) throw upload.failure.error;
      if (reply.kind === 'stream')
        return { kind: 'stream', items: endingWith(reply.items, () => upload.stop()) };
      upload.stop();
      return reply;
    } catch (error) {
      upload.stop();
      throw upload.failure ? upload.failure.error : error;
    }
  }

  /**
   * The body of a call: parts for bytes, frames for other items.
   *
   * @throws NumberedError (rejection) if the stream cannot be sent, and the error of the source before its first item
   */
  async of({ arguments: args, operation, definition, signal }: RpcRequest): Promise<Upload> {
    const { sources } = splitSources(args);
    const name = `${definition.interfaceName}.${operation}`;
    if (sources.size > 1)
      throw generalError(
        `${name} has more than one stream among its arguments. HTTP carries one: use RPC over IPC.`,
      );
    const [[slot, source]] = [...sources] as [[number, object]];
    const marked = args.map((each, index) => (index === slot - 1 ? streamMarker : each));
    const isFile = typeof Blob === 'function' && source instanceof Blob;
    // Every browser reads a `Blob` while it sends it. The `fetch` of Node keeps what it has sent of one.
    if (isFile && this.isPage) {
      const { type, head, tail } = multipart(marked);
      return { type, body: new Blob([...head, source, tail]), stop: () => undefined };
    }
    if (this.#read.has(source))
      throw generalError(`${name}: a stream among the arguments was read already, and cannot be sent again.`);
    if (this.isPage && !this.sendsStreams())
      throw generalError(
        `${name}: this page cannot send a stream over HTTP while it is made. Pass a Blob or a File, or use RPC over IPC.`,
      );
    if (!isFile) this.#read.add(source);
    // Connections read it in their events, and a connection may have been opened by another call.
    return streamUpload(marked, boundItems(itemsOf(source)!), signal);
  }
}

async function streamUpload(
  marked: readonly unknown[],
  items: StreamItems,
  signal: AbortSignal,
): Promise<Upload> {
  const leave = onAbort(signal, () => leaveItems(items));
  const first = await items.next().finally(leave);
  if (first.done || isBytes(first.value)) {
    const { type, head, tail } = multipart(marked);
    return new StreamUpload(type, items, first, head, bytesOf, () => [tail]);
  }
  const writer = new FrameWriter();
  const written = () => {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    while (writer.size > 0) chunks.push(writer.take() as Uint8Array<ArrayBuffer>);
    return joinBytes(chunks) as Uint8Array<ArrayBuffer>;
  };
  const frame = (value: unknown) => {
    writer.item(value);
    return written();
  };
  const end = () => {
    writer.end();
    return [written()];
  };
  return new StreamUpload(STREAM_TYPE, items, first, [frame(marked)], frame, end);
}

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> {
  // Copied, because the producer may use its buffer again before the bytes are sent.
  if (isBytes(value)) return new Uint8Array(value);
  throw generalError('The value cannot be sent: a stream of bytes has an item that is not bytes.');
}

function multipart(args: readonly unknown[]) {
  const { objects, data } = encodeValue(args);
  const boundary = `linnet-${newId()}`;
  const type = `multipart/form-data; boundary=${boundary}${STREAM_PARAMETER}`;
  const { head, tail } = encodeAroundStream(objects, data, boundary);
  return { type, head: head as Uint8Array<ArrayBuffer>[], tail: tail as Uint8Array<ArrayBuffer> };
}

/** A body that is made while it is sent, no faster than the connection takes it. */
class StreamUpload implements Upload {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  failure: { readonly error: unknown } | undefined;
  #isOver = false;
  #read = 0;
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
    leaveItems(this.items);
    try {
      this.#controller.error(new Error('The call is over.'));
    } catch {
      // The stream was cancelled.
    }
  }

  async #pull(before: IteratorResult<unknown> | undefined): Promise<void> {
    try {
      if (++this.#read % ITEMS_PER_TURN === 0) await new Promise<void>((resolve) => afterEvents(resolve));
      if (this.#isOver) return;
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
