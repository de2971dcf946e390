import type { IpcMessage } from '../../message/message.js';
import type { IpcLinkEvents } from '../../message/link.js';
import type { IpcClosure } from '../../channel/closure.js';
import type { OutboxGate, OutboxState } from './outbox.js';

/** The owner of a durable link. */
export interface DurableLinkEvents extends IpcLinkEvents {
  /** This end gave up the connection. The session can go on over another one. */
  interrupted(closure: IpcClosure): void;
}

/** Keeps the messages of a link at another place as well, and holds each back until it is there. */
export interface LinkGate extends OutboxGate {
  /** How many received messages the other place knows of. Only these are acknowledged. */
  readonly received: number;
  /** A message has arrived, and is delivered when the other place knows of it. */
  arrived(message: IpcMessage): void;
  /** The peer has acknowledged messages. */
  released(): void;
  /** Resolves when the other place has everything. Never rejects. */
  whenWritten(): Promise<void>;
  /** The link is over. */
  ended(): void;
}

/** The messages of a link, for another link that goes on with them. */
export interface LinkState extends OutboxState {
  /** How many messages were received. */
  readonly received: number;
}
