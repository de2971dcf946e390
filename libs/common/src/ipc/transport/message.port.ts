import { textOf } from '../../base/text.js';
import { structuredCloneEncoding } from '../wire/durable/structured.encoding.js';
import type { IpcConnectionEvents, IpcConnector } from '../wire/transport.js';
import { greetOnce } from '../server/greeter.js';
import type { IpcPeerEvents, UnbrokenSessionProps } from '../server/greeter.js';
import type { IpcTransport } from '../message/link.js';
import { isCloseCode } from '../message/message.js';
import type { IpcFrame } from '../message/message.js';
import type { IpcServer } from '../server/server.js';

/**
 * As much of a message port as is used: the `MessagePort` of pages and of Node, a worker and its own side of it, and
 * what Electron has. It is the session's alone, and is closed with it.
 */
export interface MessagePortLike {
  /** Clones a value over to the other side. */
  postMessage(message: unknown): void;
  /** Listens, on platforms whose ports are targets of events. */
  addEventListener?(type: string, listener: (event: unknown) => void): void;
  /** Listens, on platforms whose ports are emitters (Node, Electron). */
  on?(type: string, listener: (event: unknown) => void): unknown;
  /** Begins to hand out messages, where a port has to be told to. */
  start?(): void;
  /** Ends the port, for both sides. */
  close?(): void;
}

/** The first of a list that says how the session has ended, where a message would have a number. */
const CLOSE = 'close';

/** What says to a port that the session has ended. */
export function closeFrame(code: number, reason: string): unknown[] {
  return [CLOSE, code, reason];
}

/**
 * Connects to the backend behind a message port, in another thread or process. Both sides clone what is sent, and no
 * value arrives that would not arrive over a socket.
 *
 * ```ts
 * const frontend = new IpcFrontend(messagePortIpc(new Worker('./backend.js')));
 * ```
 *
 * @param port a function is asked for every connection, for instance to start another worker when one has died; after
 * a port of its own there is no other
 */
export function messagePortIpc(
  port: MessagePortLike | (() => MessagePortLike | Promise<MessagePortLike>),
): IpcConnector {
  const connect = (events: IpcConnectionEvents): IpcTransport => {
    const transport = new PortTransport(events);
    Promise.resolve(typeof port === 'function' ? port() : port)
      .then((opened) => {
        if (transport.use(opened)) events.opened(structuredCloneEncoding);
      })
      .catch((error: unknown) => transport.end(1006, textOf(error)));
    return transport;
  };
  return Object.assign(connect, { once: typeof port !== 'function' });
}

/**
 * Serves the frontend behind a message port.
 *
 * @param props who it is, where that is known
 */
export function serveMessagePort(
  server: IpcServer,
  port: MessagePortLike,
  props: UnbrokenSessionProps = {},
): void {
  const events: IpcPeerEvents = {
    frame: (frame) => receiver.frame(frame),
    closed: (closure) => receiver.closed(closure),
  };
  const transport = new PortTransport(events);
  const receiver = greetOnce(server, transport, structuredCloneEncoding, props);
  transport.use(port);
}

class PortTransport implements IpcTransport {
  /** A port takes everything at once, and does not say when the other side has it: that is acknowledged. */
  readonly bufferedBytes = 0;
  #port: MessagePortLike | undefined;
  #isOver = false;
  /** Whether anything has come. */
  #heard = false;
  /** What went wrong at the other side, where it says so. */
  #failure: string | undefined;

  constructor(private readonly events: IpcPeerEvents) {}

  /** Begins to listen. @returns whether there is still somebody who wants to */
  use(port: MessagePortLike): boolean {
    if (this.#isOver) closePort(port);
    if (this.#isOver) return false;
    this.#port = port;
    listen(port, 'message', (event) => this.#receive(event));
    listen(port, 'messageerror', () => this.close(1007, 'A message cannot be read.'));
    listen(port, 'error', (error) => this.#failed(error));
    // A port of a page, of Node and of Electron; and a worker, of a thread or a process.
    for (const type of ['close', 'exit'])
      listen(port, type, () => this.end(1006, this.#failure ?? 'The port is closed.'));
    port.start?.();
    return true;
  }

  write(frame: IpcFrame): void {
    this.#port?.postMessage(frame);
  }

  defer(work: () => void): void {
    queueMicrotask(work);
  }

  async drained(): Promise<void> {
    // See `bufferedBytes`.
  }

  close(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#port?.postMessage(closeFrame(code, reason));
    this.end(code, reason);
  }

  end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#port) closePort(this.#port);
    this.#port = undefined;
    queueMicrotask(() => this.events.closed({ code, reason }));
  }

  /** A worker has thrown. That of Node exits with it, and says so; that of a page goes on, if it could be loaded. */
  #failed(error: unknown): void {
    // An error, the event of a page, or what a process of Electron's calls its end.
    const { message = typeof error === 'string' ? error : 'It cannot be loaded.' } = Object(error) as {
      message?: unknown;
    };
    this.#failure = `The worker has failed: ${textOf(message)}`;
    if (!this.#heard) this.end(1006, this.#failure);
  }

  #receive(event: unknown): void {
    if (this.#isOver) return;
    this.#heard = true;
    // A worker of Node's hands over the message itself.
    const frame = Array.isArray(event) ? (event as IpcFrame) : (event as { data?: IpcFrame } | null)?.data;
    if (!Array.isArray(frame)) this.close(1002, 'A message is no list.');
    else if (frame[0] !== CLOSE) this.events.frame(frame);
    else {
      const [, code, reason] = frame as unknown[];
      const isGiven = typeof code === 'number' && isCloseCode(code) && typeof reason === 'string';
      this.end(isGiven ? code : 1002, isGiven ? reason.slice(0, LONGEST_REASON) : 'An end without a reason.');
    }
  }
}

/** As much as a close frame holds. */
const LONGEST_REASON = 123;

function listen(port: MessagePortLike, type: string, listener: (event: unknown) => void): void {
  if (port.addEventListener) port.addEventListener(type, listener);
  else port.on?.(type, listener);
}

/** A worker is nobody's to end but his who has started it. */
function closePort(port: MessagePortLike): void {
  if (port.start) port.close?.();
}
