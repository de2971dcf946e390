import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type { ClientOptions, RawData } from 'ws';
import { framesOf, messageOf, MessageType, partsOf, textOf } from './raw.frontend.codec.js';
import type { IpcMessage, RawFrame } from './raw.frontend.codec.js';
import { Inbox } from './raw.frontend.inbox.js';

export { kinds, MessageType } from './raw.frontend.codec.js';
export type { IpcMessage, RawFrame } from './raw.frontend.codec.js';

export interface RawFrontendOptions extends ClientOptions {
  /** With its query. Default: `/ipc`. */
  path?: string;
  /** How long an answer may take before waiting for it fails. Default: 10,000. */
  patienceMs?: number;
}

/** The response of a server that refuses an upgrade. */
export class UpgradeRefused extends Error {
  override readonly name = 'UpgradeRefused';
  constructor(
    readonly status: number,
    readonly headers: Readonly<Record<string, string | undefined>>,
    readonly body: string,
  ) {
    super(`the upgrade was refused with ${status}: ${body}`);
  }
}

/**
 * A frontend by hand: it says what it is told to, in frames or in messages, and keeps what comes in. Nothing is put in
 * order and nothing is answered by itself.
 */
export class RawFrontend {
  /** Every frame, in the order of the wire. */
  readonly received: RawFrame[];
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<{ code: number; reason: string }>;
  /** For what this class has no word. */
  readonly socket: WebSocket;
  /** The number of the next message that has none of its own. */
  sequence = 0;
  /** The number of the next invoke. */
  request = 1;
  readonly #patienceMs: number;
  readonly #frames = new Inbox<RawFrame>();
  readonly #messages = new Inbox<IpcMessage>();
  readonly #responses = new Map<number, (message: IpcMessage) => void>();
  #partial: { text: string; parts: Buffer[]; missing: number } | undefined;

  private constructor(port: number, options: RawFrontendOptions) {
    const { path = '/ipc', patienceMs = 10_000, ...others } = options;
    this.#patienceMs = patienceMs;
    this.received = this.#frames.all;
    this.socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false, ...others });
    // From the first moment: a server may speak with the handshake.
    this.socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        for (const inbox of [this.#frames, this.#messages])
          inbox.end(`closed with ${code} ${reason.toString()}`);
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Connects; rejects with {@link UpgradeRefused} when the server would not. */
  static open(port: number, options: RawFrontendOptions = {}): Promise<RawFrontend> {
    const frontend = new RawFrontend(port, options);
    return new Promise((resolve, reject) => {
      frontend.socket.on('open', () => resolve(frontend));
      frontend.socket.on('error', reject);
      frontend.socket.on('unexpected-response', (request, response) => {
        refusalOf(response).then(reject, reject);
        response.on('close', () => request.destroy());
      });
    });
  }

  /** How an upgrade is refused; rejects when it is not. */
  static async refusal(port: number, options: RawFrontendOptions = {}): Promise<UpgradeRefused> {
    try {
      const frontend = await RawFrontend.open(port, options);
      frontend.terminate();
    } catch (error) {
      if (error instanceof UpgradeRefused) return error;
      throw error;
    }
    throw new Error('the upgrade was accepted');
  }

  sendText(text: string): void {
    this.socket.send(text, { binary: false });
  }

  sendBinary(bytes: Uint8Array): void {
    this.socket.send(bytes, { binary: true });
  }

  /**
   * Sends a message, with the next sequence number unless it has one; its number is returned. Views in it become
   * parts; with `parts` it goes as it is, and they follow.
   */
  message(message: Omit<IpcMessage, 'sequence'> & { sequence?: number }, parts?: Uint8Array[]): number {
    const sequence = message.sequence ?? this.sequence++;
    const own = { ...message, sequence };
    const [text, ...views] = parts ? [textOf(JSON.stringify(own), parts.length), ...parts] : framesOf(own);
    this.sendText(text);
    for (const view of views) this.sendBinary(view);
    return sequence;
  }

  send(channel: string, ...data: unknown[]): void {
    this.message({ type: MessageType.Send, channel, data });
  }

  /** Invokes a method of a channel by its name on the wire, and resolves with the data of the response. */
  async invoke(channel: string, method: string, ...data: unknown[]): Promise<unknown> {
    const request = this.request++;
    const response = new Promise<IpcMessage>((resolve) => this.#responses.set(request, resolve));
    this.message({ type: MessageType.Invoke, channel, method, data, request });
    const message = await Promise.race([response, this.#noResponse(request)]);
    return message.data;
  }

  /** The next frame. */
  next(withinMs = this.#patienceMs): Promise<RawFrame> {
    return this.#frames.take(withinMs);
  }

  /** The next frames; those that {@link next} gave are not among them. */
  frames(count: number, withinMs = this.#patienceMs): Promise<RawFrame[]> {
    return this.#frames.takeMany(count, withinMs);
  }

  /** The next message that is not a response to {@link invoke}. */
  nextMessage(withinMs = this.#patienceMs): Promise<IpcMessage> {
    return this.#messages.take(withinMs);
  }

  messages(count: number, withinMs = this.#patienceMs): Promise<IpcMessage[]> {
    return this.#messages.takeMany(count, withinMs);
  }

  /** Resolves when the backend has read all earlier frames: a pong answers them in the order of the connection. */
  async arrived(): Promise<void> {
    const answered = once(this.socket, 'pong');
    this.socket.ping();
    await answered;
  }

  async close(code = 1000, reason = ''): Promise<void> {
    this.socket.close(code, reason);
    await this.closed;
  }

  /** Ends the connection without a word. */
  terminate(): void {
    this.socket.terminate();
  }

  /** A reader that waits for a response gets the end of the session, and the messages before it. */
  async #noResponse(request: number): Promise<never> {
    await this.#messages.find(() => false, `the response to ${request}`, this.#patienceMs);
    throw new Error('unreachable');
  }

  #receive(data: RawData, isBinary: boolean): void {
    const bytes = data as Buffer;
    this.#frames.put(isBinary ? { binary: bytes.toString('hex') } : { text: bytes.toString() });
    try {
      this.#assemble(bytes, isBinary);
    } catch (error) {
      this.#messages.end(`unreadable: ${(error as Error).message}`);
    }
  }

  #assemble(bytes: Buffer, isBinary: boolean): void {
    if (isBinary !== (this.#partial !== undefined))
      throw new Error(isBinary ? 'bytes that were not announced' : 'text where bytes were announced');
    this.#partial ??= { text: bytes.toString(), parts: [], missing: partsOf(bytes.toString()) + 1 };
    if (isBinary) this.#partial.parts.push(bytes);
    if (--this.#partial.missing > 0) return;
    const { text, parts } = this.#partial;
    this.#partial = undefined;
    const message = messageOf(text, parts);
    const respond = message.type === MessageType.Response && this.#responses.get(message.response!);
    if (!respond) return this.#messages.put(message);
    this.#responses.delete(message.response!);
    respond(message);
  }
}

/** Makes a frontend read a little in each third turn of the event loop. @returns a function that ends this */
export function readSlowly({ socket }: RawFrontend): () => void {
  let isOver = false;
  let turn = 0;
  const step = () => {
    if (isOver) return;
    if (turn++ % 3 === 0) socket.resume();
    else socket.pause();
    setImmediate(step);
  };
  step();
  return () => {
    isOver = true;
    socket.resume();
  };
}

async function refusalOf(response: IncomingMessage): Promise<UpgradeRefused> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const headers = response.headers as Record<string, string | undefined>;
  return new UpgradeRefused(response.statusCode!, headers, Buffer.concat(chunks).toString());
}
