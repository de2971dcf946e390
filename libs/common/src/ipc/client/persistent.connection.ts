import { IpcClosedError } from '../channel/closure.js';
import type { IpcClosure } from '../channel/closure.js';
import type { IpcConnectionEvents, IpcConnector } from '../wire/connector.js';
import type { ConnectionWire, DurableWire } from '../wire/wire.js';
import { handshakeLimits, newKey, readServerHello, writeClientHello } from '../wire/durable/handshake.js';
import type { ServerHello, SessionKeys } from '../wire/durable/handshake.js';
import type { FrameEncoding } from '../wire/durable/text.encoding.js';
import { DurableLink, INTERRUPTED } from '../wire/durable/link.js';
import { deferred } from '../../base/deferred.js';
import { notifyAll } from '../../base/settle.js';
import { textOf } from '../../base/text.js';
import { later } from '../../base/timer.js';
import type { IpcSessionLink } from '../message/link.js';
import type { IpcTransport } from '../message/transport.js';
import { IpcProtocolError } from '../message/message.js';
import type { IpcFrame, IpcMessage } from '../message/message.js';
import type { OutgoingMessage } from '../message/outgoing.message.js';
import { closedHere, isFinal, sessionLost } from './closures.js';
import type { FrontendSession, IpcConnectionState, PersistentConnectionOptions } from './connection.state.js';
import { ReconnectTimer, watchNetwork } from './reconnect.timer.js';
import { SendQueue } from './send.queue.js';

/** Keeps a frontend connected: resumes its session over a new connection, or begins another session. */
export class PersistentConnection {
  #state: IpcConnectionState = 'connecting';
  #transport: IpcTransport | undefined;
  #session: FrontendSession | undefined;
  /** Find the session that was begun, and prove that this end owns it. */
  #keys: SessionKeys | undefined;
  /** How many client hellos were sent. */
  #attempts = 0;
  readonly #waiting: SendQueue;
  #grace: ReturnType<typeof setTimeout> | undefined;
  /** Ends a connection that takes too long to open. */
  #patience: ReturnType<typeof setTimeout> | undefined;
  #unwatch: (() => void) | undefined;
  readonly #timer: ReconnectTimer;
  readonly #listeners = new Set<(state: IpcConnectionState, closure: IpcClosure | undefined) => void>();
  #ready = deferred();
  /** Whether the backend of the session knows that both are on one computer. */
  isNative = false;

  constructor(
    private readonly connector: IpcConnector,
    private readonly options: PersistentConnectionOptions,
    private readonly receive: (message: IpcMessage) => void,
    private readonly lost: (closure: IpcClosure) => void,
    unsendable: (message: OutgoingMessage, error: unknown) => void,
  ) {
    this.#waiting = new SendQueue(options.limits, unsendable);
    this.#timer = new ReconnectTimer(...options.reconnectMs);
    this.#connect();
    this.#unwatch = watchNetwork(() => this.connectNow());
  }

  get state(): IpcConnectionState {
    return this.#state;
  }

  /** Whether a session has begun and is not lost. */
  get isPaired(): boolean {
    return this.#state === 'open' || this.#state === 'interrupted';
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  onStateChange(listener: (state: IpcConnectionState, closure: IpcClosure | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  connectNow(): void {
    this.#timer.connectNow();
  }

  /**
   * Sends a message: now, in the next session, or when the backend has taken enough of those before.
   *
   * @throws IpcClosedError if this end is closed, or too much waits; NumberedError if the value cannot be sent
   */
  send(message: OutgoingMessage): void {
    if (this.#state === 'closed') throw new IpcClosedError(closedHere);
    this.#waiting.send(message);
  }

  /** The link of the present session. */
  get link(): IpcSessionLink | undefined {
    return this.#session?.link;
  }

  /** Cancels a call. */
  cancel(request: number): void {
    if (this.#waiting.remove(request)) return;
    this.#session?.link.cancel(request);
  }

  close(): void {
    if (this.#state === 'closed') return;
    const { code, reason } = closedHere;
    const transport = this.#transport;
    this.#stop(closedHere);
    if (this.#session) this.#session.link.close(code, reason);
    else this.lost(closedHere);
    transport?.close(code, reason);
  }

  /** No further session begins. */
  #stop(closure: IpcClosure): void {
    this.#timer.cancel();
    this.#unwatch?.();
    clearTimeout(this.#grace);
    clearTimeout(this.#patience);
    this.#transport = undefined;
    this.#waiting.clear();
    // A session has resolved it.
    if (this.isPaired) this.#ready = deferred();
    this.#ready.reject(new IpcClosedError(closure));
    this.#changeTo('closed', closure);
  }

  #connect(): void {
    /** The wire of a connection whose server hello has not arrived yet. */
    let awaited: DurableWire | undefined;
    let transport: IpcTransport | undefined;
    const isCurrent = () => transport !== undefined && transport === this.#transport;
    this.#patience = later(this.options.connectTimeoutMs, () => this.#abandon('Connecting takes too long.'));
    const events: IpcConnectionEvents = {
      opened: (wire) => {
        if (!isCurrent()) return;
        if (wire.kind === 'durable') {
          awaited = wire;
          this.#sayHello(wire, transport!);
        } else this.#beginConnectionSession(wire, transport!);
      },
      frame: (frame) => {
        if (!isCurrent()) return;
        const wire = awaited;
        awaited = undefined;
        if (wire) this.#readHello(wire, frame, transport!);
        else this.#session?.link.receive(frame);
      },
      closed: (closure) => {
        if (isCurrent()) this.#closed(closure);
      },
    };
    try {
      this.#transport = transport = this.connector(events);
    } catch (error) {
      clearTimeout(this.#patience);
      // An error of the first attempt is a mistake of the caller.
      if (!this.#unwatch) throw error;
      this.#closed({ code: 1006, reason: textOf(error), initiator: 'remote' });
    }
  }

  /** Begins or resumes a session on the durable wire. */
  #sayHello({ encoding }: DurableWire, transport: IpcTransport): void {
    const session = this.#session;
    // Kept until a server hello arrives: the key finds a session that an abandoned attempt has begun.
    this.#keys ??= { sessionId: '', secret: newKey() };
    const received = session?.kind === 'durable' ? session.link.received : 0;
    transport.write(encoding.list(writeClientHello(this.#keys, received, ++this.#attempts)));
  }

  /** Begins a session that ends with its connection. */
  #beginConnectionSession(wire: ConnectionWire<IpcSessionLink>, transport: IpcTransport): void {
    // The backend is another one now, which does not speak the durable wire.
    if (this.#session) this.#end(sessionLost('The backend cannot resume sessions.'));
    else {
      const events = { receive: this.receive, ended: this.#onEnd };
      const link = wire.openLink(transport, this.options.limits, events, undefined);
      this.#begin({ kind: 'connection', link });
    }
  }

  /** Gives up a connection. Its session can go on over another one. */
  #abandon(reason: string): void {
    const transport = this.#transport;
    this.#closed({ code: INTERRUPTED, reason, initiator: 'local' });
    transport?.close(INTERRUPTED, reason);
  }

  /** Reads the first frame of a backend on the durable wire. */
  #readHello({ encoding }: DurableWire, frame: IpcFrame, transport: IpcTransport): void {
    try {
      const hello = readServerHello(encoding.parse(frame, handshakeLimits).list);
      if (hello.kind === 'sessionNotFound') throw new IpcProtocolError(4001, hello.reason);
      this.#accepted(encoding, hello, transport);
    } catch (error) {
      if (!(error instanceof IpcProtocolError)) throw error;
      // The connection may have damaged any other frame.
      if (error.code === 4001) this.#end(sessionLost(error.message));
      else this.#abandon(error.message);
    }
  }

  /** @throws IpcProtocolError if the backend resumes another session */
  #accepted(encoding: FrameEncoding, hello: ServerHello, transport: IpcTransport): void {
    const { limits, heartbeatMs } = this.options;
    const { sessionId, secret, graceMs, received, isNative } = hello;
    const known = this.#session?.kind === 'durable' ? this.#session : undefined;
    if (known && this.#keys?.sessionId !== sessionId)
      throw new IpcProtocolError(1002, 'Another session is resumed.');
    const events = {
      receive: this.receive,
      ended: this.#onEnd,
      interrupted: (closure: IpcClosure) => this.#closed(closure),
    };
    const link = known?.link ?? new DurableLink(encoding, limits, heartbeatMs, events);
    link.attach(transport, received);
    this.#keys = { sessionId, secret };
    this.isNative = isNative;
    if (known) {
      known.graceMs = graceMs;
      this.#opened();
    } else this.#begin({ kind: 'durable', link, graceMs });
    // It proves to the backend that the new secret has arrived.
    link.acknowledge();
  }

  #begin(session: FrontendSession): void {
    const { link } = session;
    this.#session = session;
    this.#waiting.begin(link);
    if (link.closure) return;
    this.#ready.resolve();
    this.#opened();
  }

  #opened(): void {
    clearTimeout(this.#patience);
    clearTimeout(this.#grace);
    this.#grace = undefined;
    this.#timer.succeeded();
    this.#changeTo('open');
  }

  /** A connection is over. A session of the durable wire can go on over another one. */
  #closed(closure: IpcClosure): void {
    clearTimeout(this.#patience);
    this.#transport = undefined;
    const session = this.#session;
    if (session?.kind !== 'durable' || isFinal(closure.code) || session.graceMs === 0) {
      // Messages that came before the end are delivered before it.
      if (session) session.link.ended(closure);
      else this.#end(closure);
      return;
    }
    session.link.detach();
    this.#timer.schedule(() => this.#connect());
    if (this.#state !== 'open') return;
    this.#grace = later(session.graceMs, () =>
      this.#end({ code: 1006, reason: 'The connection was not restored in time.', initiator: 'remote' }),
    );
    this.#changeTo('interrupted', closure);
  }

  readonly #onEnd = (closure: IpcClosure): void => {
    if (this.#session) this.#end(closure);
  };

  /** The session is lost, or could not begin. */
  #end(closure: IpcClosure): void {
    const session = this.#session;
    const transport = this.#transport;
    const { isPaired } = this;
    clearTimeout(this.#grace);
    clearTimeout(this.#patience);
    this.#session = undefined;
    this.#transport = undefined;
    this.#waiting.end();
    // Without a session the key may still find one that was begun, unless it belongs to another user.
    if (session || closure.code === 4001) this.#keys = undefined;
    session?.link.ended(closure);
    transport?.close(closure.code, closure.reason);
    if (this.#state === 'closed') {
      this.lost(closure);
      return;
    }
    if (!this.options.reconnect || this.connector.once) {
      this.#stop(closure);
      this.lost(closure);
      return;
    }
    this.#timer.schedule(() => this.#connect());
    if (!session) return;
    if (isPaired) this.#ready = deferred();
    // Before the listeners, which may call again.
    this.lost(closure);
    this.#changeTo('connecting', closure);
  }

  #changeTo(state: IpcConnectionState, closure?: IpcClosure): void {
    this.#state = state;
    notifyAll(this.#listeners, (listener) => listener(state, closure));
  }
}
