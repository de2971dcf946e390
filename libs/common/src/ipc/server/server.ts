import { OpenCalls } from '../../call/open.calls.js';
import type { IpcLimits } from '../../base/limits.js';
import { WaitingBytes } from '../message/session.bytes.js';
import type { SessionBytes } from '../message/session.bytes.js';
import { ChannelRegistry } from './channel.registry.js';
import { IpcCallDispatcher } from './call.dispatcher.js';
import type { IpcCallDispatcherOptions } from './call.dispatcher.js';
import type { FrameEncoding } from '../wire/durable/text.encoding.js';
import { DurableLink } from '../wire/durable/link.js';
import { CompatibleLink } from '../wire/compatible/link.js';
import type { IpcSessionLink, IpcTransport } from '../message/link.js';
import type { IpcClosure, IpcFrame, IpcMessage } from '../message/message.js';
import { IpcSession } from './session.js';
import type { IpcSessionProps } from './session.js';

/** How sessions are served. */
export interface IpcServerOptions extends IpcCallDispatcherOptions {
  /** How long a frontend may take to answer a call of this backend's, in milliseconds; 0: for ever. */
  readonly invokeTimeoutMs: number;
  /** On the durable wire: how long a frontend may be silent before it is probed, in milliseconds. Default 30,000. */
  readonly heartbeatMs?: number;
}

/** An open session, as its transport sees it. */
export interface IpcConnection {
  /** The session, which handlers and applications hold. */
  readonly session: IpcSession;
  /** Where frames of the peer go, and the news that the connection has ended. */
  readonly link: {
    /** Takes a frame of the peer's, and its memory. Never throws. */
    receive(frame: IpcFrame): void;
    /** Ends the session from this side. */
    close(code: number, reason: string): void;
    /** The connection has ended. */
    ended(closure: IpcClosure): void;
  };
  /** Resolves when no handler of the session runs any more. */
  idle(): Promise<void>;
}

/** The link that a session of a server sends through, on any wire. */
export type IpcServerLink = Omit<IpcSessionLink, 'cancel'>;

interface Open extends IpcConnection {
  readonly conversation: IpcCallDispatcher;
}

/** Serves IPC sessions, whatever they are connected by. */
export class IpcServer {
  /** What answers, and listens, on behalf of the server. */
  readonly channels = new ChannelRegistry();
  readonly #open = new Map<IpcSession, Open>();
  #isClosed = false;
  readonly #waiting: WaitingBytes;

  constructor(private readonly options: IpcServerOptions) {
    this.#waiting = new WaitingBytes(options.limits.keptBytes);
  }

  /** What a frontend may send and let wait. */
  get limits(): IpcLimits {
    return this.options.limits;
  }

  /** The sessions that are open, in the order in which they began. */
  get sessions(): IpcSession[] {
    return [...this.#open.keys()];
  }

  /** How many sessions are open. */
  get size(): number {
    return this.#open.size;
  }

  /** @internal Whether the service has ended, or is about to. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Why nobody is to begin a session: the service has ended, or is about to, or there are as many as there may be. */
  get refusal(): IpcClosure | undefined {
    // What an application that has ended would answer with is destroyed.
    if (this.#isClosed) return { code: 1001, reason: 'The server is shutting down.' };
    if (this.size < this.limits.sessions) return undefined;
    return { code: 1013, reason: 'The server has as many sessions as it can have.' };
  }

  /** Begins a session over a connection, on the compatible wire. */
  open(transport: IpcTransport, props: IpcSessionProps): IpcConnection {
    const { limits } = this.options;
    return this.openLink(
      (receive, ended, kept) => new CompatibleLink(transport, limits, receive, ended, kept),
      props,
    );
  }

  /** Begins a session on the durable wire, whose connections come and go. */
  openDurable(form: FrameEncoding, props: IpcSessionProps): IpcConnection & { readonly link: DurableLink } {
    const { limits, heartbeatMs = 30_000 } = this.options;
    return this.openLink(
      (receive, ended, kept) => new DurableLink(form, limits, heartbeatMs, { receive, ended }, kept),
      props,
    );
  }

  /**
   * Begins a session over a link of another wire.
   *
   * @param linkOf makes the link, from what takes each message of the frontend, in order, is told once of its end, and
   * counts the bytes that wait for the frontend
   */
  openLink<Link extends IpcServerLink>(
    linkOf: (
      receive: (message: IpcMessage) => void,
      ended: (closure: IpcClosure) => void,
      kept: SessionBytes,
    ) => Link,
    props: IpcSessionProps,
  ): IpcConnection & { readonly link: Link } {
    const ended = (closure: IpcClosure) => {
      this.#open.delete(session);
      session.ended(closure);
      conversation.ended(closure);
    };
    const tooMuch = () =>
      link.close(1013, 'More waits for this frontend, and others of its user, than there is room for.');
    const kept = this.#waiting.of(props.owner ?? props.id, tooMuch);
    const answers = this.#waiting.of(props.owner ?? props.id, tooMuch, this.limits.answerBytes);
    const link = linkOf((message) => conversation.receive(message), ended, kept);
    const session = new IpcSession(link, props, this.options.invokeTimeoutMs);
    const conversation = new IpcCallDispatcher(session, link, this.channels, this.options, answers);
    const open = { session, link, conversation, idle: () => conversation.idle() };
    this.#open.set(session, open);
    return open;
  }

  /**
   * Ends the service: new calls are refused, those that run may finish, and then the sessions are told to go.
   *
   * @param timeoutMs how long to wait for calls
   * @returns how many sessions still had calls running
   */
  async close(timeoutMs: number): Promise<number> {
    this.#isClosed = true;
    const open = [...this.#open.values()];
    const busy = new OpenCalls<Open>();
    for (const each of open) {
      each.conversation.closing = true;
      busy.add(each);
      void each.idle().then(() => busy.delete(each));
    }
    const left = await busy.left(timeoutMs);
    for (const { session } of open) session.close(1001, 'The server is shutting down.');
    return left.length;
  }
}
