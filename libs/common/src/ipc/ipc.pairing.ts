import type { IpcLimits } from '../wire/wire.limits.js';
import type { OutgoingMessage } from './ipc.codec.js';
import type { IpcConnector } from './ipc.connector.js';
import { DURABLE_PROTOCOL, helloFrame, parseGreeting } from './ipc.durable.codec.js';
import { DurableLink } from './ipc.durable.link.js';
import { IpcLink } from './ipc.link.js';
import type { IpcSessionLink, IpcTransport } from './ipc.link.js';
import { IpcClosedError, IpcMessageType, IpcProtocolError } from './ipc.message.js';
import type { IpcClosure, IpcMessage } from './ipc.message.js';
import { ReconnectTimer } from './ipc.reconnect.js';

/**
 * `connecting`: there is no session yet, or not any more. `open`: there is one. `interrupted`: there is one whose
 * connection is broken, and may be resumed. `closed`: this end was closed, or may not connect again.
 */
export type IpcPairingState = 'connecting' | 'open' | 'interrupted' | 'closed';

export interface IpcPairingOptions {
  readonly limits: IpcLimits;
  readonly reconnect: boolean;
  readonly reconnectMs: readonly [first: number, longest: number];
}

/** How a session is proven to be ours when it is resumed. */
interface Resumption {
  sessionId: string;
  secret: string;
  graceMs: number;
}

/** Keeps a frontend paired: connects, resumes a session over a new connection, or begins another. */
export class IpcPairing {
  #state: IpcPairingState = 'connecting';
  #transport: IpcTransport | undefined;
  #link: IpcSessionLink | undefined;
  #resumption: Resumption | undefined;
  /** What was sent while there was no session. */
  #waiting: OutgoingMessage[] = [];
  #grace: ReturnType<typeof setTimeout> | undefined;
  readonly #timer: ReconnectTimer;
  readonly #listeners = new Set<(state: IpcPairingState, closure: IpcClosure | undefined) => void>();
  #ready!: { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void };

  constructor(
    private readonly connector: IpcConnector,
    private readonly options: IpcPairingOptions,
    private readonly receive: (message: IpcMessage) => void,
    private readonly lost: (closure: IpcClosure) => void,
  ) {
    this.#timer = new ReconnectTimer(...options.reconnectMs);
    this.#awaitReady();
    this.#connect();
  }

  get state(): IpcPairingState {
    return this.#state;
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  onStateChange(listener: (state: IpcPairingState, closure: IpcClosure | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  hurry(): void {
    this.#timer.hurry();
  }

  /** Sends a message, as soon as there is a session. @throws IpcClosedError when there never will be one */
  send(message: OutgoingMessage): void {
    if (this.#state === 'closed') throw new IpcClosedError({ code: 1000, reason: 'closed by this side' });
    if (this.#link) void this.#link.push(message);
    else this.#waiting.push(message);
  }

  /** Nobody waits for the answer to a call any more. */
  cancel(request: number): void {
    this.#waiting = this.#waiting.filter((message) => message.request !== request);
    // The compatible wire has no word for it.
    if (this.#link instanceof DurableLink)
      this.#link.respond({
        type: IpcMessageType.Cancel,
        channel: '',
        request,
        data: { json: undefined, parts: [] },
      });
  }

  close(): void {
    if (this.#state === 'closed') return;
    const closure = { code: 1000, reason: 'closed by this side' };
    const transport = this.#transport;
    this.#changeTo('closed', closure);
    this.#timer.cancel();
    clearTimeout(this.#grace);
    if (this.#link) this.#link.close(closure.code, closure.reason);
    else this.lost(closure);
    transport?.close(closure.code, closure.reason);
    this.#ready.reject(new IpcClosedError(closure));
  }

  #connect(): void {
    let greeting = false;
    const transport = this.connector({
      opened: (protocol) => {
        if (transport !== this.#transport) return;
        if (protocol === DURABLE_PROTOCOL) {
          greeting = true;
          transport.writeText(
            helloFrame(this.#resumption, (this.#link as DurableLink | undefined)?.received),
          );
        } else this.#begin(new IpcLink(transport, this.options.limits, this.receive, this.#onEnd));
      },
      text: (frame) => {
        if (transport !== this.#transport) return;
        if (greeting) {
          greeting = false;
          this.#greet(frame, transport);
        } else this.#link?.receiveText(frame);
      },
      binary: (frame) => {
        if (transport === this.#transport) this.#link?.receiveBinary(frame);
      },
      closed: (closure) => {
        if (transport === this.#transport) this.#closed(closure);
      },
    });
    this.#transport = transport;
  }

  /** The first thing that a backend says on the durable wire. */
  #greet(frame: string, transport: IpcTransport): void {
    try {
      const { welcome, lost } = parseGreeting(frame, this.options.limits);
      if (lost !== undefined) {
        this.#end({ code: 4001, reason: lost });
        return;
      }
      const { received, ...resumption } = welcome;
      const isResumed =
        this.#link instanceof DurableLink && this.#resumption?.sessionId === resumption.sessionId;
      this.#resumption = resumption;
      if (isResumed) {
        clearTimeout(this.#grace);
        (this.#link as DurableLink).attach(transport, received);
        this.#timer.succeeded();
        this.#changeTo('open');
        return;
      }
      const link = new DurableLink(this.options.limits, this.receive, this.#onEnd);
      link.attach(transport, received);
      this.#begin(link);
    } catch (error) {
      if (!(error instanceof IpcProtocolError)) throw error;
      transport.close(error.code, error.message);
      this.#end({ code: error.code, reason: error.message });
    }
  }

  #begin(link: IpcSessionLink): void {
    this.#link = link;
    this.#timer.succeeded();
    this.#changeTo('open');
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) void link.push(message);
    this.#ready.resolve();
  }

  /** A connection is over. A session of the durable wire may go on over another. */
  #closed(closure: IpcClosure): void {
    this.#transport = undefined;
    const link = this.#link;
    const mayResume = link instanceof DurableLink && !link.closure && !isFinal(closure.code);
    if (!mayResume) {
      this.#end(closure);
      return;
    }
    link.detach();
    if (this.#state === 'open') {
      this.#grace = setTimeout(
        () => this.#end({ code: 1006, reason: 'The connection was not restored in time.' }),
        this.#resumption!.graceMs,
      );
      this.#changeTo('interrupted', closure);
    }
    this.#timer.schedule(() => this.#connect());
  }

  readonly #onEnd = (closure: IpcClosure): void => {
    if (this.#link) this.#end(closure);
  };

  /** The session is lost, or could not begin. */
  #end(closure: IpcClosure): void {
    const link = this.#link;
    clearTimeout(this.#grace);
    this.#link = undefined;
    this.#resumption = undefined;
    link?.ended(closure);
    if (link) this.lost(closure);
    if (this.#state === 'closed') return;
    if (!this.options.reconnect) {
      this.#changeTo('closed', closure);
      this.#waiting = [];
      this.lost(closure);
      this.#ready.reject(new IpcClosedError(closure));
      return;
    }
    if (link) this.#awaitReady();
    this.#transport?.close(1000, '');
    this.#transport = undefined;
    if (this.#state !== 'connecting' || link) this.#changeTo('connecting', closure);
    this.#timer.schedule(() => this.#connect());
  }

  #awaitReady(): void {
    let resolve!: () => void;
    let reject!: (error: unknown) => void;
    const promise = new Promise<void>((settle, fail) => {
      resolve = settle;
      reject = fail;
    });
    promise.catch(() => undefined);
    this.#ready = { promise, resolve, reject };
  }

  #changeTo(state: IpcPairingState, closure?: IpcClosure): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state, closure);
  }
}

/** Whether a backend closed because the session is over, and not because the connection broke. */
function isFinal(code: number): boolean {
  return (
    code === 1000 ||
    code === 1001 ||
    (code >= 1002 && code <= 1003) ||
    (code >= 1007 && code <= 1013) ||
    code >= 3000
  );
}
