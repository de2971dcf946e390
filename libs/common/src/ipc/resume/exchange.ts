import type { MoveHead } from './move.head.js';
import type { RelayHead } from './relay.head.js';

/** Bytes of one piece of what is larger: brokers bound their frames, NATS to 1 MiB by default. */
export const PIECE = 256 * 1024;

/** The head of a frame by which nodes share sessions, before the node adds its id and number. */
export type UnsentExchange = Omit<RelayHead, 'from' | 'seq'> | Omit<MoveHead, 'from' | 'seq'>;

/** Receives the frames by which nodes share sessions. */
export interface NodeExchange {
  /** @throws Error if the frame is damaged */
  receive(head: RelayHead | MoveHead, read: () => unknown, bytes: Uint8Array | undefined): void;
  /** The backplane is back, and may have forgotten this node. @param hasMissed whether frames of other nodes may be lost */
  restored(hasMissed: boolean): void;
  /** The node leaves. */
  close(): void;
}
