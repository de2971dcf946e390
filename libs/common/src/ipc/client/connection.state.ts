import type { IpcLimits } from '../../base/limits.js';
import type { IpcSessionLink } from '../message/link.js';
import type { DurableLink } from '../wire/durable/link.js';

/**
 * `connecting`: no session has begun yet, or the last one is lost. `open`: the session is connected. `interrupted`: the
 * connection of the session is broken, and the session may resume. `closed`: this end was closed, or cannot connect
 * again.
 */
export type IpcConnectionState = 'connecting' | 'open' | 'interrupted' | 'closed';

/** How a frontend connects. */
export interface PersistentConnectionOptions {
  readonly limits: IpcLimits;
  readonly reconnect: boolean;
  readonly reconnectMs: readonly [first?: number, longest?: number];
  readonly connectTimeoutMs: number;
  readonly heartbeatMs: number;
}

/** The session of a frontend: it ends with its connection, or waits `graceMs` for another one. */
export type FrontendSession =
  | { readonly kind: 'connection'; readonly link: IpcSessionLink }
  | { readonly kind: 'durable'; readonly link: DurableLink; graceMs: number };
