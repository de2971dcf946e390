import type { Notification } from './arrivals.js';

/** The rooms of this server, for frames of other nodes. */
export interface RoomNodeEvents {
  /** Sends a notification of another node to the members of topics, each once. @throws NumberedError if a value cannot be sent */
  deliver(notification: Notification): void;
  /** The backplane is back: its memory of this node may be gone. */
  restored(): void;
  /** Receives a warning for the log. */
  warn(message: string): void;
}
