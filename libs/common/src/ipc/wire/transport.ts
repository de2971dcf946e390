import type { FrameEncoding } from './durable/text.encoding.js';
import type { IpcTransport } from '../message/link.js';
import type { IpcClosure, IpcFrame } from '../message/message.js';

/** What a connection tells whoever opened it; nothing before the connector has returned. */
export interface IpcConnectionEvents {
  /**
   * Frames may be sent from now on.
   *
   * @param form that of the durable wire, where both ends agreed on it; none: the compatible wire
   */
  opened(form?: FrameEncoding): void;
  /** A frame has come, whole; its memory is the receiver's. */
  frame(frame: IpcFrame): void;
  /** Told once, also of a connection that was never opened. */
  closed(closure: IpcClosure): void;
}

/** Opens connections to a backend. */
export interface IpcConnector {
  /** Begins to open one. What is sent before it is open is lost. */
  (events: IpcConnectionEvents): IpcTransport;
  /** Whether there can be no further connection: there was only one, or the backend has ended. */
  readonly once?: boolean;
}
