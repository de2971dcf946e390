import type { IpcClosure } from '../channel/closure.js';
import type { IpcTransport } from '../message/transport.js';
import type { IpcFrame } from '../message/message.js';
import type { IpcWire } from './wire.js';

/** The events of every connection. */
export interface IpcFrameEvents {
  /** A whole frame has arrived. The receiver owns its memory. */
  frame(frame: IpcFrame): void;
  /** The connection is over. Called once, also for a connection that never opened. */
  closed(closure: IpcClosure): void;
}

/** The events of a connection at the end of the backend. */
export interface IpcPeerEvents extends IpcFrameEvents {
  /** The frontend broke a rule of the transport, or gave no sign of life. The connection closes for it. */
  failed(closure: IpcClosure): void;
}

/** The events of a connection at the end of the frontend; none before the connector has returned. */
export interface IpcConnectionEvents extends IpcFrameEvents {
  /**
   * The connection is open, and frames can be sent.
   *
   * @param wire the wire that both ends speak
   */
  opened(wire: IpcWire): void;
}

/** Opens connections to a backend. */
export interface IpcConnector {
  /** Begins to open a connection. Frames that are sent before it is open are lost. */
  (events: IpcConnectionEvents): IpcTransport;
  /** Whether no further connection can follow: the connector has only one, or the backend has ended. */
  readonly once?: boolean;
  /** The URL of the backend, for traces; absent if it has none. */
  readonly address?: string | undefined;
}
