import type { ServerSession } from '../dispatcher/server.session.js';
import type { Notification } from './arrivals.js';

/** The rooms of this server, for frames of other nodes. */
export interface NodeEvents {
  /** Sends a notification of another node to the members of topics, each once. @throws NumberedError if a value cannot be sent */
  deliver(notification: Notification): void;
  /** The sessions of this server. */
  sessions(): readonly ServerSession[];
  /** Receives a warning for the log. */
  warn(message: string): void;
}
