import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { IpcConnection, IpcSession, IpcSessionProps } from '@linnet/common';
import { DURABLE_PROTOCOL, DurableLink, SessionLost, textEncoding } from '@linnet/common/internal';
import type { Hello } from '@linnet/common/internal';
import { WebSocketTransport } from '../../node/ipc/websocket.transport.js';
import type { IpcWebSocket } from '../../node/ipc/websocket.transport.js';
import { DedicatedPlace, OCCUPIED } from '../../node/ipc/dedicated.session.js';
import type { Connected } from '../../node/ipc/dedicated.session.js';
import { SessionResumption, isDone } from '../../node/ipc/session.resumption.js';
import type { IpcPeer } from '../../node/ipc/session.resumption.js';
import type { IpcHost } from '../host/ipc.host.js';
import { openMobile } from './mobile.link.js';
import type { IpcModuleOptions } from '../host/ipc.options.js';
import type { IpcSessions } from './ipc.sessions.js';
import { within } from './within.js';

/** How long a peer may take to answer a close frame. */
const PATIENCE_MS = 2_000;

/** The WebSockets of sessions: has each begin one, or take one up again, and says which are still there. */
export class IpcSockets {
  readonly #connected = new Map<IpcSession, Connected>();
  /** The place of the only frontend, where there is only one. */
  readonly dedicated: DedicatedPlace | undefined;
  readonly #greeting: SessionResumption;
  /** Those whose session is over stay until their peer lets go, too. */
  readonly #webSockets = new Set<IpcWebSocket>();
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: IpcModuleOptions,
    private readonly host: IpcHost,
    private readonly sessions: IpcSessions,
  ) {
    const { resumeGraceMs = 30_000, native = false } = options;
    this.#greeting = new SessionResumption(resumeGraceMs, native, host.limits.upgrades);
    this.dedicated = options.dedicated
      ? new DedicatedPlace(this.#connected, (open) => this.#park(open.connection.session, open))
      : undefined;
  }

  /**
   * Whether a connection finds room, if need be at the cost of whoever has most.
   *
   * @param durable it has yet to say whether it begins a session, or has one
   * @param owner whose it is, where that is known; else that of somebody who has nothing yet
   */
  hasRoom(durable: boolean, owner = ''): boolean {
    if (durable) return this.#greeting.hasRoom(owner);
    return this.#load < this.host.limits.sessions || this.sessions.yields(owner);
  }

  /** Begins a session, or takes one up again. Its listeners are there before anything can be read. */
  open(webSocket: IpcWebSocket, socket: Socket, request: IncomingMessage, identity: IpcPeer): void {
    const transport = new WebSocketTransport(webSocket, socket);
    const { owner = '' } = identity;
    const isFull = this.#load >= this.host.limits.sessions;
    this.#webSockets.add(webSocket);
    webSocket.on('close', () => this.#webSockets.delete(webSocket));
    const { heartbeatMs = 30_000 } = this.options;
    if (heartbeatMs > 0) this.#heartbeat ??= setTimeout(() => this.#look(), heartbeatMs).unref();
    if (webSocket.protocol === DURABLE_PROTOCOL) {
      // The frontend speaks first: it wants a session, or its own again.
      this.#greeting.listen(webSocket, transport, owner, (frame) => {
        const known = this.#greeting.recognize(frame, identity);
        if (known.session) this.#resume(known.session, webSocket, transport, known.received);
        else {
          const props = { ...identity, id: randomUUID(), request };
          this.#beginDurable(webSocket, transport, props, known.hello);
        }
      });
      return;
    }
    if (isFull) this.sessions.yield(owner);
    const [{ server }, { mobile }] = [this.host, this.options];
    const props = { ...identity, id: randomUUID(), request };
    const connection = mobile ? openMobile(server, transport, props) : server.open(transport, props);
    const { link } = connection;
    this.#listen(webSocket, link);
    webSocket.on('close', (code: number, reason: Buffer) => link.ended({ code, reason: reason.toString() }));
    this.#begin(connection, transport, webSocket);
  }

  #beginDurable(
    webSocket: IpcWebSocket,
    transport: WebSocketTransport,
    props: IpcSessionProps,
    hello: Hello | undefined,
  ): void {
    const { server, limits } = this.host;
    // It was let in while the place was free: a frontend that has greeted meanwhile was faster.
    if (this.dedicated?.isTaken) throw new SessionLost(OCCUPIED);
    if (server.size >= limits.sessions) this.sessions.yield(props.owner ?? '');
    const { refusal } = server;
    if (refusal) {
      webSocket.on('error', () => undefined);
      transport.close(refusal.code, refusal.reason);
      return;
    }
    const connection = this.host.server.openDurable(textEncoding, props);
    this.#greeting.add(connection.session, connection.link, hello);
    this.#begin(connection, transport, webSocket);
    this.#connect(connection.session, webSocket, transport, 0);
  }

  #begin(connection: IpcConnection, transport: WebSocketTransport, webSocket: IpcWebSocket): void {
    const { session } = connection;
    transport.pause();
    // The last that it had.
    const isConnected = () => this.#connected.get(session)!.webSocket.readyState !== WebSocket.CLOSED;
    const started = this.sessions.begin(connection, isConnected).then(() => transport.resume());
    this.#connected.set(session, { connection, transport, webSocket, started });
    void session.closed.then(() => this.#connected.delete(session));
  }

  #resume(
    session: IpcSession,
    webSocket: IpcWebSocket,
    transport: WebSocketTransport,
    received: number,
  ): void {
    const open = this.#connected.get(session);
    if (!open) throw new SessionLost();
    const before = open.webSocket;
    open.webSocket = webSocket;
    open.transport = transport;
    // The newest connection counts; the one before may be broken without knowing it.
    (open.connection.link as DurableLink).detach();
    before.terminate();
    this.#connect(session, webSocket, transport, received);
  }

  /** Goes on with a session of the durable wire over a connection, as soon as its handlers are there. */
  #connect(
    session: IpcSession,
    webSocket: IpcWebSocket,
    transport: WebSocketTransport,
    received: number,
  ): void {
    const { connection, started } = this.#connected.get(session)!;
    const link = connection.link as DurableLink;
    const isCurrent = () => this.#connected.get(session)?.webSocket === webSocket;
    let isWelcome = false;
    void started.then(() => {
      // It may have ended meanwhile, or come back over a newer connection.
      const { closure } = link;
      if (closure) transport.close(closure.code, closure.reason);
      if (closure || !isCurrent()) return;
      isWelcome = true;
      try {
        this.#greeting.welcome(session, transport, received);
      } catch (error) {
        // It claims to have what it was never sent.
        link.close(1002, (error as Error).message);
      }
    });
    webSocket.on('message', (data: Buffer, isBinary: boolean) => {
      // Of a connection that was given up something may still come.
      if (!isCurrent()) return;
      if (!isWelcome) {
        link.close(1002, 'A message before the welcome.');
        return;
      }
      this.#greeting.confirm(session);
      link.receive(isBinary ? data : data.toString());
    });
    webSocket.on('error', (error: Error) => {
      // Broken frames may be the connection's fault; what is too big will be so again.
      const { closeCode: code } = webSocket;
      if (isCurrent() && code >= 1008) link.ended({ code, reason: error.message });
    });
    webSocket.on('close', (code: number, reason: Buffer) => {
      if (!isCurrent()) return;
      if (isDone(code)) link.ended({ code, reason: reason.toString() });
      else this.#park(session, this.#connected.get(session)!);
    });
  }

  #park(session: IpcSession, open: Connected): void {
    open.transport = undefined;
    this.#greeting.park(session);
  }

  #listen(webSocket: IpcWebSocket, link: IpcConnection['link']): void {
    webSocket.on('message', (data: Buffer, isBinary: boolean) =>
      link.receive(isBinary ? data : data.toString()),
    );
    // Frames that are none: it closes by itself, with the code that was found.
    webSocket.on('error', (error: Error) => link.ended({ code: webSocket.closeCode, reason: error.message }));
  }

  /**
   * What there is of sessions: connections, those that linger included; those that wait to be resumed; and calls that go
   * on without theirs.
   */
  get #load(): number {
    const parked = [...this.#connected.values()].filter(({ transport }) => !transport);
    return this.#webSockets.size + this.sessions.ending + parked.length;
  }

  /** Ends all sessions, when what they called has finished. @returns how many still had calls running */
  async close(timeoutMs: number): Promise<number> {
    clearTimeout(this.#heartbeat);
    this.#heartbeat = undefined;
    const busy = await this.sessions.close(timeoutMs);
    // An error on the way to its end is no reason to stop waiting for it.
    const gone = [...this.#webSockets].map(
      (webSocket) => new Promise((resolve) => webSocket.once('close', resolve)),
    );
    await within(PATIENCE_MS, Promise.all(gone));
    for (const webSocket of this.#webSockets) webSocket.terminate();
    await this.sessions.ended();
    return busy;
  }

  #look(): void {
    // Behind what is there to be read: a process that was busy, or held by a debugger, has not yet seen the answers.
    setImmediate(() => {
      this.#beat();
      // Only now: who is asked has a whole interval to answer, however late this process is.
      this.#heartbeat?.refresh();
    });
  }

  #beat(): void {
    for (const { connection, transport, webSocket } of this.#connected.values()) {
      if (!transport || transport.beat()) continue;
      if (!(connection.link instanceof DurableLink))
        connection.link.ended({ code: 1006, reason: 'The frontend gave no sign of life.' });
      webSocket.terminate();
    }
  }
}
