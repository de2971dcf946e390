import type { IpcReading } from './inbox.js';
import type { IpcFrame } from './message.js';

/** One connection: frames in, frames out, close. */
export interface IpcTransport extends IpcReading {
  /** Sends a frame after those that were sent before. Its bytes change only after the peer has acknowledged its messages. */
  write(frame: IpcFrame): void;
  /** Runs a function when the work of this turn is done, so that its frames go out together. */
  defer(work: () => void): void;
  /** Bytes that were written, and that the peer has not taken yet. */
  readonly bufferedBytes: number;
  /** Resolves when the peer has taken the written bytes, or the connection has ended. Never rejects. */
  drained(): Promise<void>;
  /** Ends the connection after the written frames. Repeated calls do nothing. */
  close(code: number, reason: string): void;
}

/** A connection at the end of the backend. */
export interface IpcServerTransport extends IpcTransport {
  /** Names the kind of transport for people: `WebSocket`. */
  readonly name?: string;
  /** Whether another node has the connection, and passes it on over the backplane. */
  readonly isRelayed?: boolean;
  /** Ends the connection at once and without a close frame, because it may be broken. */
  terminate(): void;
}
