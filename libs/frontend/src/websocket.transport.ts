import { compatibleWire, durableTextWire } from '@linnet/common';
import type { IpcConnectionEvents, IpcConnector, IpcFrame, IpcTransport } from '@linnet/common';
import { COMPATIBLE_PROTOCOL, DURABLE_PROTOCOL, messageOf } from '@linnet/common/internal';
import { onRefusal, PlatformWebSocket } from '#websocket';

/** As much of a WebSocket as is used: that of a browser, of Node, or of `ws`. */
export interface WebSocketLike {
  /** Is set to `arraybuffer`. */
  binaryType: string;
  /** The subprotocol that the backend chose; empty: none. */
  readonly protocol: string;
  /** 1 while it is open, by the standard. */
  readonly readyState: number;
  /** Bytes that the peer has yet to take. */
  readonly bufferedAmount: number;
  /** Sends a frame: text, or binary. */
  send(data: string | Uint8Array): void;
  /** Ends the connection, with a code and a reason for the peer. */
  close(code?: number, reason?: string): void;
  /** Listens for its opening, or for a failure, behind which `close` comes. */
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  /** Listens for frames: text, or binary. */
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  /** Listens for the end, which comes once. */
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
}

/** How to connect. */
export interface WebSocketIpcOptions {
  /** The class to use. Default: the platform's, or that of `ws` in Node. */
  readonly webSocket?: new (url: string, protocols: string[]) => WebSocketLike;
  /**
   * Speaks the compatible wire only, whatever the backend can, and offers no subprotocol: for backends that take none.
   * Default `false`.
   */
  readonly compatible?: boolean;
}

const OPEN = 1;
const OFFERED = [COMPATIBLE_PROTOCOL, DURABLE_PROTOCOL];
/** How often it is looked whether the peer has taken what waits, in milliseconds. */
const LOOK_MS = 20;

/**
 * Connects by WebSocket: on the durable wire to a backend of ours, on the compatible one to any iTwin.js backend.
 *
 * @param url where; a function is asked before every connection, for instance for a ticket that works once
 */
export function webSocketIpc(
  url: string | URL | (() => string | URL | Promise<string | URL>),
  options: WebSocketIpcOptions = {},
): IpcConnector {
  const Implementation = (options.webSocket ?? PlatformWebSocket) as WebSocketIpcOptions['webSocket'];
  if (!Implementation) throw new Error('This platform has no WebSocket: set the option `webSocket`.');
  const connector: IpcConnector = (events) => {
    const transport = new WebSocketTransport(events);
    const open = (target: string | URL) =>
      transport.use(new Implementation(String(target), options.compatible ? [] : OFFERED));
    if (typeof url !== 'function') open(url);
    else
      Promise.resolve()
        .then(url)
        .then(open)
        .catch((error: unknown) => transport.failed(error));
    return transport;
  };
  return typeof url === 'function' ? connector : Object.assign(connector, { address: addressOf(url) });
}

/** Without its query, which may hold a ticket. */
function addressOf(url: string | URL): string {
  return String(url).replace(/[?#].*$/s, '');
}

class WebSocketTransport implements IpcTransport {
  #socket: WebSocketLike | undefined;
  /** Whether this side has closed. */
  #isClosed = false;
  #isOver = false;
  /** Why the connection failed, where the platform says so; empty: it does not. */
  #failure = '';

  constructor(private readonly events: IpcConnectionEvents) {}

  use(socket: WebSocketLike): void {
    // The close that follows has no reason; a page does not get one.
    onRefusal(socket, (reason) => (this.#failure = reason));
    socket.addEventListener('error', (event?: { message?: unknown }) => {
      if (typeof event?.message === 'string') this.#failure ||= event.message;
    });
    if (this.#isClosed) {
      socket.close();
      return;
    }
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () =>
      this.events.opened(socket.protocol === DURABLE_PROTOCOL ? durableTextWire : compatibleWire),
    );
    socket.addEventListener('message', ({ data }) =>
      this.events.frame(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer)),
    );
    socket.addEventListener('close', ({ code, reason }) => this.#end(code, reason || this.#failure));
  }

  /** The connection failed before it had an address. */
  failed(error: unknown): void {
    this.#end(1006, messageOf(error));
  }

  get bufferedBytes(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  write(frame: IpcFrame): void {
    if (this.#socket?.readyState === OPEN) this.#socket.send(frame as string | Uint8Array);
  }

  defer(work: () => void): void {
    queueMicrotask(work);
  }

  async drained(): Promise<void> {
    // A WebSocket says how much waits, and not when that changes.
    while (this.#socket?.readyState === OPEN && this.#socket.bufferedAmount > 0)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }

  close(code: number, reason: string): void {
    this.#isClosed = true;
    // A page may only name 1000 and those from 3000 on.
    const named = code === 1000 || code >= 3000 ? code : code + 3000;
    // As much of a reason as a close frame holds, whatever its letters.
    this.#socket?.close(named, reason.slice(0, 40));
    if (!this.#socket) this.#end(code, reason);
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    const initiator = this.#isClosed ? 'local' : 'remote';
    this.#isOver = this.#isClosed = true;
    this.events.closed({ code, reason, initiator });
  }
}
