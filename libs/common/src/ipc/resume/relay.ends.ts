import type { IpcFrame } from '../message/message.js';
import type { IpcServerTransport } from '../message/transport.js';
import { afterEvents } from '../../base/turn.slices.js';
import type { IpcPeerEvents } from '../wire/connector.js';
import type { IpcClosure } from '../channel/closure.js';
import { INTERRUPTED } from '../wire/durable/link.js';
import { RelayPipe } from './relay.pipe.js';
import type { PipeEvents } from './relay.pipe.js';

/** Sends the frames of one end of a relay to the other node. */
export type SendPart = PipeEvents['send'];

/** Bytes that the connection of a frontend has not taken: from here on the owner waits. */
const SLOW = 64 * 1024;
/** Bytes from the frontend that the owner has not taken: from here on nothing is read. */
const MOST_UNREAD = 512 * 1024;

/** The end of a relay at the node that has the session: a connection like all others. */
export class OwnerEnd implements IpcServerTransport {
  readonly isRelayed = true;
  readonly pipe: RelayPipe;
  #events: IpcPeerEvents | undefined;
  #paused = 0;
  #held = 0;

  /**
   * @param most bytes of one frame
   * @param gone called when the relay is over
   */
  constructor(
    send: SendPart,
    most: number,
    private readonly gone: () => void,
  ) {
    this.pipe = new RelayPipe(
      { send, frame: (frame, bytes) => this.#frame(frame, bytes), closed: (...end) => this.#closed(...end) },
      most,
    );
  }

  /** The session, or the handshake, that receives the frames. */
  set events(events: IpcPeerEvents) {
    this.#events = events;
  }

  write(frame: IpcFrame): void {
    this.pipe.write(frame);
  }

  /** Everything of one turn of the event loop goes to the other node at once. */
  defer(work: () => void): void {
    afterEvents(work);
  }

  get bufferedBytes(): number {
    return this.pipe.bufferedBytes;
  }

  drained(): Promise<void> {
    return this.pipe.drained();
  }

  close(code: number, reason: string): void {
    if (this.pipe.isOver) return;
    this.pipe.close(code, reason);
    this.#over({ code, reason, initiator: 'local' });
  }

  terminate(): void {
    if (this.pipe.isOver) return;
    const reason = 'A newer connection has taken the place of this one.';
    this.pipe.cancel(INTERRUPTED, reason);
    this.#over({ code: INTERRUPTED, reason, initiator: 'local' });
  }

  pause(): void {
    this.#paused++;
  }

  resume(): void {
    if (this.#paused > 0 && --this.#paused === 0) this.#report(0);
  }

  #frame(frame: IpcFrame, bytes: number): void {
    this.#events?.frame(frame);
    this.#report(bytes);
  }

  /** While nothing is to be read, the other end gets no further space. */
  #report(bytes: number): void {
    this.#held += bytes;
    if (this.#paused > 0) return;
    this.pipe.took(this.#held);
    this.#held = 0;
  }

  #closed(code: number, reason: string): void {
    const closure = { code, reason, initiator: 'remote' } as const;
    // The frontend broke a rule of its connection.
    if (code >= 1008 && code < 3000) this.#events?.failed(closure);
    this.#over(closure);
  }

  #over(closure: IpcClosure): void {
    this.gone();
    // As for a socket, whose end is an event of its own.
    queueMicrotask(() => this.#events?.closed(closure));
  }
}

/** The end of a relay at the node that has the connection. */
export class EdgeEnd implements IpcPeerEvents {
  readonly pipe: RelayPipe;
  /** Whether the owner has accepted it. Before that, its end leaves the connection as it is. */
  isOpen = false;
  #isReading = true;

  /**
   * @param most bytes of one frame
   * @param gone called when the relay is over
   */
  constructor(
    private readonly transport: IpcServerTransport,
    send: SendPart,
    most: number,
    private readonly gone: () => void,
  ) {
    this.pipe = new RelayPipe(
      {
        send,
        frame: (frame, bytes) => this.#write(frame, bytes),
        closed: (code, reason) => this.#closed(code, reason),
      },
      most,
    );
  }

  frame(frame: IpcFrame): void {
    this.pipe.write(frame);
    if (!this.#isReading || this.pipe.bufferedBytes <= MOST_UNREAD) return;
    this.#isReading = false;
    this.transport.pause?.();
    void this.pipe.drained().then(() => {
      this.#isReading = true;
      this.transport.resume?.();
    });
  }

  failed({ code, reason }: IpcClosure): void {
    if (code >= 1008) this.#end(code, reason);
  }

  closed({ code, reason }: IpcClosure): void {
    this.#end(code, reason);
  }

  #end(code: number, reason: string): void {
    if (this.pipe.isOver) return;
    this.pipe.close(code, reason);
    this.gone();
  }

  #write(frame: IpcFrame, bytes: number): void {
    const { transport } = this;
    transport.write(frame);
    if (transport.bufferedBytes <= SLOW) this.pipe.took(bytes);
    else void transport.drained().then(() => this.pipe.took(bytes));
  }

  #closed(code: number, reason: string): void {
    this.gone();
    if (!this.isOpen) return;
    if (code === 1006) this.transport.terminate();
    else this.transport.close(code, reason);
  }
}
