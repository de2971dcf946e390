import { isDeepStrictEqual } from 'node:util';
import type { IpcIdentity, IpcSession, IpcSessionProps } from '@linnet/common';
import {
  ByteBudget,
  greetingLimits,
  greetingOf,
  INTERRUPTED,
  IpcProtocolError,
  later,
  readHello,
  SessionLost,
  textEncoding,
} from '@linnet/common/internal';
import type { DurableLink, Hello } from '@linnet/common/internal';
import type { IpcWebSocket, WebSocketTransport } from './websocket.transport.js';
import { SessionProof } from './session.secret.js';

/** How long a frontend of the durable wire may take to say what it wants. */
const GREETING_MS = 10_000;

/** The user that has opened a connection, and where from. */
export type IpcPeer = IpcIdentity & Pick<IpcSessionProps, 'ip' | 'owner'>;

/** A session of the durable wire, connected or waiting for its frontend to come back. */
interface Durable {
  readonly session: IpcSession;
  readonly link: DurableLink;
  readonly proof: SessionProof;
  grace: NodeJS.Timeout | undefined;
}

/** The session that the first frame of a connection asks for: one that is there, or another. */
export type Recognized =
  | { readonly session: IpcSession; readonly received: number }
  | { readonly session?: undefined; readonly hello: Hello | undefined };

/** Sessions of the durable wire by their ids: greets their frontends, and takes them up again. */
export class SessionResumption {
  readonly #durable = new Map<string, Durable>();
  /** By the keys of the frontends that have begun them. */
  readonly #byKey = new Map<string, Durable>();
  readonly #graceMs: number;
  /** Connections that have not said yet what they want, each with how it is ended. */
  readonly #waiting: ByteBudget<() => void>;

  /**
   * @param graceMs how long a session waits for its frontend to come back, in milliseconds
   * @param isNative whether frontends are on this computer
   * @param mostWaiting how many connections may be there that have not greeted
   */
  constructor(
    graceMs: number,
    private readonly isNative: boolean,
    mostWaiting: number,
  ) {
    this.#waiting = new ByteBudget(mostWaiting);
    // No timer waits for longer.
    this.#graceMs = Math.min(graceMs, 2 ** 31 - 1);
  }

  /** Whether another connection may wait until it says what it wants, if need be at the cost of whoever has most. */
  hasRoom(owner: string): boolean {
    return this.#waiting.amount < this.#waiting.limit || this.#waiting.above(owner).length > 0;
  }

  /**
   * Waits for the first frame of a connection, and ends one that has none to say.
   *
   * @param owner whose connection it is
   * @param greeted may throw an IpcProtocolError, which ends the connection
   */
  listen(
    webSocket: IpcWebSocket,
    transport: WebSocketTransport,
    owner: string,
    greeted: (frame: string) => void,
  ): void {
    const end = (code: number, reason: string) => {
      done();
      transport.close(code, reason);
    };
    const timer = setTimeout(() => end(1002, 'There was no greeting.'), GREETING_MS).unref();
    const ignored = () => undefined;
    const place = this.#waiting.share(owner, () => end(1013, 'Too many connections do not greet.'));
    const done = () => {
      clearTimeout(timer);
      place.clear();
      // A frame that is on its way to a connection that is being closed begins nothing.
      webSocket.off('close', done).off('message', heard);
    };
    const heard = (data: Buffer, isBinary: boolean) => {
      done();
      webSocket.off('error', ignored);
      try {
        if (isBinary) throw new IpcProtocolError(1002, 'A connection begins with a greeting.');
        greeted(data.toString());
      } catch (error) {
        if (!(error instanceof IpcProtocolError)) throw error;
        webSocket.on('error', ignored);
        if (error instanceof SessionLost) this.refuse(transport, error);
        transport.close(error.code, error.message);
      }
    };
    webSocket.on('error', ignored);
    webSocket.on('close', done);
    webSocket.on('message', heard);
    // The one that waits longest, of whoever has most.
    if (this.#waiting.amount >= this.#waiting.limit) this.#waiting.above(owner)[0]?.holder();
    place.add(1);
  }

  /**
   * Reads the first frame of a connection.
   *
   * @throws IpcProtocolError if the frame is not a greeting, 4000 for one that comes too late, 4001 for a
   * session that is not (any more) there
   */
  recognize(frame: string, identity: IpcPeer): Recognized {
    const hello = readHello(textEncoding.parse(frame, greetingLimits).list);
    if (!hello) return { hello };
    const { sessionId, secret, received } = hello;
    const isKey = sessionId === '';
    const durable = isKey ? this.#byKey.get(secret) : this.#durable.get(sessionId);
    if (isKey && !durable) return { hello };
    // Who knows the secret has to be who he was, besides: a token may have been taken from him meanwhile.
    const isOwner =
      durable !== undefined &&
      (isKey || durable.proof.knows(secret)) &&
      isDeepStrictEqual(durable.session.user, identity.user);
    if (!isOwner) throw new SessionLost();
    if (!durable.proof.take(hello))
      throw new IpcProtocolError(INTERRUPTED, 'A newer connection has taken the place of this one.');
    if (!durable.link.canResume(received)) {
      // What one of the two knows is wrong, and will not be right the next time.
      durable.link.close(1002, 'The frontend has received what was not sent.');
      throw new SessionLost();
    }
    durable.session.renew(identity);
    return { session: durable.session, received };
  }

  /** Remembers a session that has begun. */
  add(session: IpcSession, link: DurableLink, hello: Hello | undefined): void {
    const { secret: key, attempt = 0 } = hello ?? {};
    const durable = { session, link, proof: new SessionProof(attempt), grace: undefined };
    this.#durable.set(session.id, durable);
    if (key !== undefined) this.#byKey.set(key, durable);
    void session.closed.then(() => {
      clearTimeout(this.#durable.get(session.id)?.grace);
      this.#durable.delete(session.id);
      if (key !== undefined) this.#byKey.delete(key);
    });
  }

  /**
   * Welcomes a frontend over a new connection, and sends what it lacks.
   *
   * @param received how many messages it has
   * @throws IpcProtocolError for a number that cannot be
   */
  welcome(session: IpcSession, transport: WebSocketTransport, received: number): void {
    const durable = this.#durable.get(session.id)!;
    clearTimeout(durable.grace);
    const { link } = durable;
    const { isNative } = this;
    const welcome = {
      sessionId: session.id,
      secret: durable.proof.secret,
      graceMs: this.#graceMs,
      received: link.received,
      isNative,
    };
    transport.write(textEncoding.list(greetingOf({ welcome })));
    link.attach(transport, received);
  }

  /** Something has come over the connection: the frontend has its secret, and the one before is worth nothing. */
  confirm(session: IpcSession): void {
    this.#durable.get(session.id)?.proof.confirm();
  }

  /** Tells a frontend that its session is lost. */
  refuse(transport: WebSocketTransport, { message }: SessionLost): void {
    transport.write(textEncoding.list(greetingOf({ lost: message })));
  }

  /** The connection of a session is broken: its frontend has a while to come back. */
  park(session: IpcSession): void {
    const durable = this.#durable.get(session.id);
    if (!durable) return;
    durable.link.detach();
    clearTimeout(durable.grace);
    const late = () => durable.link.ended({ code: 1006, reason: 'The frontend did not come back in time.' });
    durable.grace = later(this.#graceMs, late);
  }
}

/** Whether a frontend has closed for good: it is done, its page is left, or it found something wrong. */
export function isDone(code: number): boolean {
  return code === 1000 || code === 1001 || (code >= 3000 && code !== INTERRUPTED);
}
