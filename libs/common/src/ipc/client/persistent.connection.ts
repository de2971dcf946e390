import type { IpcLimits } from '../../base/limits.js';
import type { IpcConnectionEvents, IpcConnector } from '../wire/transport.js';
import { greetingLimits, helloOf, newKey, readGreeting } from '../wire/durable/codec.js';
import type { SessionKeys } from '../wire/durable/codec.js';
import type { FrameEncoding } from '../wire/durable/text.encoding.js';
import { DurableLink, INTERRUPTED } from '../wire/durable/link.js';
import { CompatibleLink } from '../wire/compatible/link.js';
import { deferred } from '../../base/deferred.js';
import { notifyAll } from '../../base/settle.js';
import { textOf } from '../../base/text.js';
import { later } from '../../base/timer.js';
import type { IpcSessionLink, IpcTransport } from '../message/link.js';
import { IpcClosedError, IpcProtocolError } from '../message/message.js';
import type { IpcClosure, IpcFrame, IpcMessage } from '../message/message.js';
import type { OutgoingMessage } from '../message/outgoing.message.js';
import { ReconnectTimer, watchNetwork } from './reconnect.timer.js';
import { SendQueue } from './send.queue.js';

/**
 * `connecting`: there is no session yet, or not any more. `open`: there is one. `interrupted`: there is one whose
 * connection is broken, and may be resumed. `closed`: this end was closed, or may not connect again.
 */
export type IpcConnectionState = 'connecting' | 'open' | 'interrupted' | 'closed';

export interface PersistentConnectionOptions {
  readonly limits: IpcLimits;
  readonly reconnect: boolean;
  readonly reconnectMs: readonly [first?: number, longest?: number];
  readonly connectTimeoutMs: number;
  readonly heartbeatMs: number;
}

/** How a session is proven to be ours, and how long it waits for us; 0 before the first welcome. */
interface Resumption extends SessionKeys {
  readonly graceMs: number;
}

/** Keeps a frontend paired: connects, resumes a session over a new connection, or begins another. */
export class PersistentConnection {
  #state: IpcConnectionState = 'connecting';
  #transport: IpcTransport | undefined;
  #link: IpcSessionLink | undefined;
  #resumption: Resumption | undefined;
  /** How many connections have greeted. */
  #attempts = 0;
  readonly #waiting: SendQueue;
  #grace: ReturnType<typeof setTimeout> | undefined;
  /** Of the connection that does not stand yet. */
  #patience: ReturnType<typeof setTimeout> | undefined;
  #unwatch: (() => void) | undefined;
  readonly #timer: ReconnectTimer;
  readonly #listeners = new Set<(state: IpcConnectionState, closure: IpcClosure | undefined) => void>();
  #ready = deferred();
  /** Whether the backend of the session knows that it is on this computer. */
  isNative = false;

  constructor(
    private readonly connector: IpcConnector,
    private readonly options: PersistentConnectionOptions,
    private readonly receive: (message: IpcMessage) => void,
    private readonly lost: (closure: IpcClosure) => void,
  ) {
    this.#waiting = new SendQueue(options.limits.bufferedBytes);
    this.#timer = new ReconnectTimer(...options.reconnectMs);
    this.#connect();
    this.#unwatch = watchNetwork(() => this.hurry());
  }

  get state(): IpcConnectionState {
    return this.#state;
  }

  /** Whether there is a session. */
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

  hurry(): void {
    this.#timer.hurry();
  }

  /** Sends a message, as soon as there is a session. @throws IpcClosedError: there never will be one, or too much waits */
  send(message: OutgoingMessage): void {
    if (this.#state === 'closed') throw new IpcClosedError({ code: 1000, reason: 'closed by this side' });
    if (this.#link) void this.#link.send(message);
    else this.#waiting.add(message);
  }

  /** Nobody waits for the answer to a call any more. */
  cancel(request: number): void {
    if (this.#waiting.remove(request)) return;
    this.#link?.cancel(request);
  }

  close(): void {
    if (this.#state === 'closed') return;
    const closure = { code: 1000, reason: 'closed by this side' };
    const transport = this.#transport;
    this.#stop(closure);
    if (this.#link) this.#link.close(closure.code, closure.reason);
    else this.lost(closure);
    transport?.close(closure.code, closure.reason);
  }

  /** There will be no further session. */
  #stop(closure: IpcClosure): void {
    this.#timer.cancel();
    this.#unwatch?.();
    clearTimeout(this.#grace);
    clearTimeout(this.#patience);
    this.#transport = undefined;
    this.#waiting.take();
    // It was resolved, if there was a session.
    if (this.isPaired) this.#ready = deferred();
    this.#ready.reject(new IpcClosedError(closure));
    this.#changeTo('closed', closure);
  }

  #connect(): void {
    /** The form of the greeting that is waited for. */
    let greeting: FrameEncoding | undefined;
    let transport: IpcTransport | undefined;
    const isCurrent = () => transport !== undefined && transport === this.#transport;
    this.#patience = later(this.options.connectTimeoutMs, () =>
      this.#abandon({ code: INTERRUPTED, reason: 'Connecting takes too long.' }),
    );
    const events: IpcConnectionEvents = {
      opened: (form) => {
        if (!isCurrent()) return;
        if (form) {
          greeting = form;
          const link = this.#link as DurableLink | undefined;
          // Kept until there is a welcome: what an attempt has begun that was given up is found again by it.
          this.#resumption ??= { sessionId: '', secret: newKey(), graceMs: 0 };
          transport!.write(form.list(helloOf(this.#resumption, link?.received ?? 0, ++this.#attempts)));
          return;
        }
        // A backend that does not know of sessions that last: there is another one now.
        if (this.#link) this.#end({ code: 4001, reason: 'The backend cannot resume sessions.' });
        else {
          const { limits } = this.options;
          this.#begin(new CompatibleLink(transport!, limits, this.receive, this.#onEnd));
        }
      },
      frame: (frame) => {
        if (!isCurrent()) return;
        const form = greeting;
        greeting = undefined;
        if (form) this.#greet(form, frame, transport!);
        else this.#link?.receive(frame);
      },
      closed: (closure) => {
        if (isCurrent()) this.#closed(closure);
      },
    };
    try {
      this.#transport = transport = this.connector(events);
    } catch (error) {
      clearTimeout(this.#patience);
      // What cannot work at all is the mistake of who asks for it.
      if (!this.#unwatch) throw error;
      this.#closed({ code: 1006, reason: textOf(error) });
    }
  }

  /** This end gives up a connection; its session may go on over another. */
  #abandon(closure: IpcClosure): void {
    const transport = this.#transport;
    this.#closed(closure);
    transport?.close(closure.code, closure.reason);
  }

  /** The first thing that a backend says on the durable wire. */
  #greet(form: FrameEncoding, frame: IpcFrame, transport: IpcTransport): void {
    const { limits, heartbeatMs } = this.options;
    try {
      const { welcome, lost } = readGreeting(form.parse(frame, greetingLimits).list);
      if (lost !== undefined) throw new IpcProtocolError(4001, lost);
      const { received, isNative = false, ...resumption } = welcome;
      const known = this.#link as DurableLink | undefined;
      if (known && this.#resumption?.sessionId !== resumption.sessionId)
        throw new IpcProtocolError(1002, 'Another session is resumed.');
      const link =
        known ??
        new DurableLink(form, limits, heartbeatMs, {
          receive: this.receive,
          ended: this.#onEnd,
          interrupted: (closure) => this.#closed(closure),
        });
      link.attach(transport, received);
      this.#resumption = resumption;
      this.isNative = isNative;
      if (!known) this.#begin(link);
      else this.#opened();
      // Only now the backend knows that the new secret has arrived.
      link.acknowledge();
    } catch (error) {
      if (!(error instanceof IpcProtocolError)) throw error;
      // Another frame than the greeting may be the connection's fault.
      if (error.code === 4001) this.#end({ code: 4001, reason: error.message });
      else this.#abandon({ code: INTERRUPTED, reason: error.message });
    }
  }

  #begin(link: IpcSessionLink): void {
    this.#link = link;
    for (const message of this.#waiting.take()) void link.send(message);
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

  /** A connection is over. A session of the durable wire may go on over another. */
  #closed(closure: IpcClosure): void {
    clearTimeout(this.#patience);
    this.#transport = undefined;
    const link = this.#link;
    const mayResume = link instanceof DurableLink && !isFinal(closure.code) && this.#resumption!.graceMs > 0;
    if (!mayResume) {
      // Messages that have come before the end are delivered before it.
      if (link) link.ended(closure);
      else this.#end(closure);
      return;
    }
    link.detach();
    this.#timer.schedule(() => this.#connect());
    if (this.#state !== 'open') return;
    this.#grace = later(this.#resumption!.graceMs, () =>
      this.#end({ code: 1006, reason: 'The connection was not restored in time.' }),
    );
    this.#changeTo('interrupted', closure);
  }

  readonly #onEnd = (closure: IpcClosure): void => {
    if (this.#link) this.#end(closure);
  };

  /** The session is lost, or could not begin. */
  #end(closure: IpcClosure): void {
    const link = this.#link;
    const transport = this.#transport;
    const { isPaired } = this;
    clearTimeout(this.#grace);
    clearTimeout(this.#patience);
    this.#link = undefined;
    this.#transport = undefined;
    // Without a session it is the key of what may have been begun, unless that is another's.
    if (link || closure.code === 4001) this.#resumption = undefined;
    link?.ended(closure);
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
    if (!link) return;
    if (isPaired) this.#ready = deferred();
    // Before anybody hears of it, who may well call again.
    this.lost(closure);
    this.#changeTo('connecting', closure);
  }

  #changeTo(state: IpcConnectionState, closure?: IpcClosure): void {
    this.#state = state;
    notifyAll(this.#listeners, (listener) => listener(state, closure));
  }
}

/**
 * Whether a backend closed because the session is over, and not because the connection broke. What was wrong with
 * frames may be the connection's fault: whether the session is still there is found out by asking for it.
 */
function isFinal(code: number): boolean {
  if (code === 1002 || code === 1007 || code === INTERRUPTED) return false;
  return code <= 1003 || (code >= 1008 && code <= 1013) || code >= 3000;
}
