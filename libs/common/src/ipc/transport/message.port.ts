import { textOf } from '../../base/text.js';
import { isCloseCode } from '../channel/closure.js';
import type { IpcClosure } from '../channel/closure.js';
import { acceptLocal } from '../server/local.session.js';
import type { LocalSessionProps } from '../server/local.session.js';
import type { IpcServer } from '../server/server.js';
import { durableCloneWire } from '../wire/wire.js';
import type { IpcConnectionEvents, IpcConnector, IpcFrameEvents } from '../wire/connector.js';
import type { IpcServerTransport, IpcTransport } from '../message/transport.js';
import type { IpcFrame } from '../message/message.js';

/**
 * The members of a message port that a session uses: the `MessagePort` of pages and of Node, a worker and its own side,
 * and the ports of Electron. Only the session uses the port, and closes it at its end.
 */
export interface MessagePortLike {
  /** Sends a clone of a value to the other side. */
  postMessage(message: unknown): void;
  /** Listens, on platforms whose ports are event targets. */
  addEventListener?(type: string, listener: (event: unknown) => void): void;
  /** Listens, on platforms whose ports are emitters (Node, Electron). */
  on?(type: string, listener: (event: unknown) => void): unknown;
  /** Begins to deliver messages, on platforms that wait for it. */
  start?(): void;
  /** Ends the port for both sides. */
  close?(): void;
}

/** The first member of the list that ends a session. Frames begin with a number instead. */
const CLOSE = 'close';

/** The list that ends a session over a port. */
export function closeFrame(code: number, reason: string): unknown[] {
  return [CLOSE, code, reason];
}

/**
 * Connects to the backend behind a message port, in another thread or process. Both sides clone values, and a value that
 * would not survive a socket does not survive here.
 *
 * ```ts
 * const frontend = new IpcFrontend(messagePortIpc(new Worker('./backend.js')));
 * ```
 *
 * @param port a function is called for every connection, for instance to start another worker when one has died; a port
 * alone is the only connection
 */
export function messagePortIpc(
  port: MessagePortLike | (() => MessagePortLike | Promise<MessagePortLike>),
): IpcConnector {
  const connect = (events: IpcConnectionEvents): IpcTransport => {
    const transport = new PortTransport(events);
    Promise.resolve(typeof port === 'function' ? port() : port)
      .then((opened) => {
        if (transport.use(opened)) events.opened(durableCloneWire);
      })
      .catch((error: unknown) => transport.end({ code: 1006, reason: textOf(error), initiator: 'remote' }));
    return transport;
  };
  return Object.assign(connect, { once: typeof port !== 'function' });
}

/**
 * Serves the frontend behind a message port.
 *
 * @param props the user, if it is known
 */
export function serveMessagePort(
  server: IpcServer,
  port: MessagePortLike,
  props: LocalSessionProps = {},
): void {
  const events: IpcFrameEvents = {
    frame: (frame) => receiver.frame(frame),
    closed: (closure) => receiver.closed(closure),
  };
  const transport = new PortTransport(events);
  const receiver = acceptLocal(server, transport, durableCloneWire, props);
  transport.use(port);
}

class PortTransport implements IpcServerTransport {
  readonly name = 'message port';
  /** A port takes everything at once. The other side acknowledges what it has received. */
  readonly bufferedBytes = 0;
  #port: MessagePortLike | undefined;
  #isOver = false;
  /** Whether a message has arrived. */
  #heard = false;
  /** The failure of the other side, if the platform reports it. */
  #failure: string | undefined;

  constructor(private readonly events: IpcFrameEvents) {}

  /** Begins to listen. @returns `false` if the transport was closed before */
  use(port: MessagePortLike): boolean {
    if (this.#isOver) closePort(port);
    if (this.#isOver) return false;
    this.#port = port;
    listen(port, 'message', (event) => this.#receive(event));
    listen(port, 'messageerror', () => this.close(1007, 'A message cannot be read.'));
    listen(port, 'error', (error) => this.#failed(error));
    // A port of a page, of Node and of Electron; and a worker, of a thread or a process.
    for (const type of ['close', 'exit'])
      listen(port, type, () => this.#broken(this.#failure ?? 'The port is closed.'));
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
    this.end({ code, reason, initiator: 'local' });
  }

  terminate(): void {
    this.#broken('The port is closed.');
  }

  end(closure: IpcClosure): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#port) closePort(this.#port);
    this.#port = undefined;
    queueMicrotask(() => this.events.closed(closure));
  }

  #broken(reason: string): void {
    this.end({ code: 1006, reason, initiator: 'remote' });
  }

  /** A worker has thrown. A worker of Node exits then; a worker of a page goes on if it could be loaded. */
  #failed(error: unknown): void {
    // An error, the event of a page, or the reason of a process of Electron.
    const { message = typeof error === 'string' ? error : 'It cannot be loaded.' } = Object(error) as {
      message?: unknown;
    };
    this.#failure = `The worker has failed: ${textOf(message)}`;
    if (!this.#heard) this.#broken(this.#failure);
  }

  #receive(event: unknown): void {
    if (this.#isOver) return;
    this.#heard = true;
    // A worker of Node passes the message itself.
    const frame = Array.isArray(event) ? (event as IpcFrame) : (event as { data?: IpcFrame } | null)?.data;
    if (!Array.isArray(frame)) this.close(1002, 'A message is no list.');
    else if (frame[0] !== CLOSE) this.events.frame(frame);
    else {
      const [, code, reason] = frame as unknown[];
      const isGiven = typeof code === 'number' && isCloseCode(code) && typeof reason === 'string';
      const end = isGiven
        ? { code, reason: reason.slice(0, MAX_REASON_BYTES) }
        : { code: 1002, reason: 'An end without a reason.' };
      this.end({ ...end, initiator: 'remote' });
    }
  }
}

/** The longest reason of a close frame. */
const MAX_REASON_BYTES = 123;

function listen(port: MessagePortLike, type: string, listener: (event: unknown) => void): void {
  if (port.addEventListener) port.addEventListener(type, listener);
  else port.on?.(type, listener);
}

/** Closes a port, but not a worker: only the code that started a worker may terminate it. */
function closePort(port: MessagePortLike): void {
  if (port.start) port.close?.();
}
