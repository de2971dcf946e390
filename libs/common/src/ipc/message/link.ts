import type { IpcReading } from './inbox.js';
import type { IpcClosure, IpcFrame } from './message.js';
import type { OutgoingMessage } from './outgoing.message.js';

/** What a session needs of the connection under it. */
export interface IpcTransport extends IpcReading {
  /** Sends a frame, behind what was sent before. Takes its memory. */
  write(frame: IpcFrame): void;
  /** Does something when the work of this turn is done, so that what it sent can go out together. */
  defer(work: () => void): void;
  /** Bytes that were written, and not yet taken by the peer. */
  readonly bufferedBytes: number;
  /** Resolves when the peer has taken what was written, or the connection has ended. Never rejects. */
  drained(): Promise<void>;
  /** Ends the connection, after what was written. Repeated calls do nothing. */
  close(code: number, reason: string): void;
}

/** What a session sends through, and its transport hands what it receives to; on either wire. */
export interface IpcSessionLink {
  /** How the link ended; `undefined` while it lives. */
  readonly closure: IpcClosure | undefined;
  /** See {@link CompatibleLink.send}. */
  send(message: OutgoingMessage): Promise<void>;
  /** See {@link CompatibleLink.room}. */
  room(): Promise<void> | undefined;
  /** Tells the peer that nobody waits for the answer to a call any more, where the wire has a word for it. */
  cancel(request: number): void;
  /** Takes a frame of the peer's, and its memory. Never throws. */
  receive(frame: IpcFrame): void;
  /** Ends the link from this side. */
  close(code: number, reason: string): void;
  /** The connection has ended: so does the link, when everything that came over it is delivered. */
  ended(closure: IpcClosure): void;
}

/** Above this many buffered bytes whoever sends is asked to wait. */
export const HIGH_WATER = 1024 * 1024;

/** Nothing to wait for. */
export const sent = Promise.resolve();

/** Most senders do not wait, and a session may end at any time: that is no fault of theirs. */
export function unwatched(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}
