import type { IpcTransport } from './ipc.link.js';
import type { IpcClosure } from './ipc.message.js';

/** What a connection tells whoever opened it; nothing before the connector has returned. */
export interface IpcConnectionEvents {
  /** @param protocol the WebSocket subprotocol that both ends agreed on; empty: the compatible wire */
  opened(protocol: string): void;
  /** A text frame has come, whole. */
  text(frame: string): void;
  /** A binary frame has come, whole; its memory is the receiver's. */
  binary(frame: Uint8Array): void;
  /** Told once, also of a connection that was never opened. */
  closed(closure: IpcClosure): void;
}

/** Begins to open a connection to a backend. What is sent before it is open is lost. */
export type IpcConnector = (events: IpcConnectionEvents) => IpcTransport;
