import type { IpcCallDispatcherOptions } from '../dispatcher/dispatcher.options.js';
import type { ResumptionOptions } from './session.resumption.js';

/** How a server serves sessions. */
export interface IpcServerOptions extends IpcCallDispatcherOptions {
  /** How long a frontend may take to answer a call from this backend, in milliseconds; 0: for ever. */
  readonly invokeTimeoutMs: number;
  /** On the durable wire: how long a frontend may be silent before it is probed, in milliseconds. Default 30,000. */
  readonly heartbeatMs?: number;
  /** How sessions survive a broken connection. Default: they end with it. */
  readonly resumption?: ResumptionOptions;
  /** Serves one frontend at a time: a session that begins ends the others. Default `false`. */
  readonly dedicated?: boolean;
  /** How long calls of a session may run on after its end, in milliseconds. Default 10,000. */
  readonly shutdownTimeoutMs?: number;
}
