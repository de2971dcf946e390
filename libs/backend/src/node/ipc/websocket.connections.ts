import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type {
  IpcPeerEvents,
  IpcServer,
  IpcServerTransport,
  IpcServerWire,
  NetworkPeer,
} from '@linnet/common';
import { within } from '@linnet/common/internal';
import { DedicatedSlot } from './dedicated.session.js';
import { WebSocketTransport } from './websocket.transport.js';
import type { IpcWebSocket } from './websocket.transport.js';

/** How long a peer may take to answer a close frame, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000;

/** How the WebSockets of a server behave. */
export interface WebSocketOptions {
  /** On the wires without a sign of life of their own: the interval of pings, in milliseconds. Default 30,000; 0: never. */
  readonly heartbeatMs?: number;
  /** Serves one frontend, and no other. Default `false`. */
  readonly dedicated?: boolean;
}

/** One WebSocket. */
interface Connection {
  readonly webSocket: IpcWebSocket;
  readonly transport: WebSocketTransport;
  readonly events: IpcPeerEvents;
}

/** The WebSockets of a server: hands each to the server, and notices those that are gone. */
export class WebSocketConnections {
  /** Also after the end of their session, until the peer has closed as well. */
  readonly #open = new Map<IpcServerTransport, Connection>();
  /** Connections on a wire without a keepalive of its own. */
  readonly #pinged = new Set<Connection>();
  /** The place of the only frontend, on a dedicated backend. */
  readonly dedicated: DedicatedSlot | undefined;
  readonly #heartbeatMs: number;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(
    private readonly server: IpcServer,
    { heartbeatMs = 30_000, dedicated = false }: WebSocketOptions,
  ) {
    this.#heartbeatMs = heartbeatMs;
    this.dedicated = dedicated
      ? new DedicatedSlot(server, async (transport, timeoutMs) => this.#isAlive(transport, timeoutMs))
      : undefined;
  }

  /** Serves a WebSocket. Its listeners are there before anything can be read. */
  open(
    webSocket: IpcWebSocket,
    socket: Socket,
    wire: IpcServerWire,
    request: IncomingMessage,
    peer: Omit<NetworkPeer, 'reach' | 'request'>,
  ): void {
    const transport = new WebSocketTransport(webSocket, socket);
    // Before the server, which may close it: `ws` throws errors that have no listener.
    webSocket.on('error', (error: Error) => {
      const { closeCode: code } = webSocket;
      events.failed({ code, reason: error.message, initiator: 'local' });
    });
    const events = this.server.accept(transport, wire, { ...peer, request, reach: 'network' });
    const connection = { webSocket, transport, events };
    this.#open.set(transport, connection);
    if (wire.kind === 'connection') this.#ping(connection);
    webSocket.on('message', (data: Buffer, isBinary: boolean) =>
      events.frame(isBinary ? data : data.toString()),
    );
    webSocket.on('close', (code: number, reason: Buffer) => {
      this.#open.delete(transport);
      this.#pinged.delete(connection);
      events.closed({ code, reason: reason.toString(), initiator: 'remote' });
    });
  }

  /** Waits until all connections are closed, and ends those whose peers do not answer. */
  async close(): Promise<void> {
    clearTimeout(this.#heartbeat);
    this.#heartbeat = undefined;
    // An error does not end the wait: the close event follows it.
    const gone = [...this.#open.values()].map(
      ({ webSocket }) => new Promise((resolve) => webSocket.once('close', resolve)),
    );
    await within(CLOSE_TIMEOUT_MS, Promise.all(gone));
    for (const { webSocket } of this.#open.values()) webSocket.terminate();
  }

  async #isAlive(transport: IpcServerTransport, timeoutMs: number): Promise<boolean> {
    return this.#open.get(transport)?.transport.isAlive(timeoutMs) ?? false;
  }

  #ping(connection: Connection): void {
    this.#pinged.add(connection);
    if (this.#heartbeatMs > 0) this.#heartbeat ??= setTimeout(() => this.#check(), this.#heartbeatMs).unref();
  }

  #check(): void {
    // After pending input: a process that was busy, or held by a debugger, has not seen the answers yet.
    setImmediate(() => {
      for (const { transport, events } of this.#pinged) {
        if (transport.beat()) continue;
        events.failed({ code: 1006, reason: 'The frontend gave no sign of life.', initiator: 'local' });
        transport.terminate();
      }
      // Restarted only now: each peer has a whole interval to answer, however late this process is.
      this.#heartbeat?.refresh();
    });
  }
}
