import type { IpcLimits } from '../../base/limits.js';
import type { RunInActivity } from '../../call/result.js';
import type { BindItems } from '../../call/stream.result.js';
import type { IpcErrorOptions } from './error.codec.js';

/** How a server answers frontends. */
export interface IpcCallDispatcherOptions extends IpcErrorOptions {
  /** How much a frontend may send and leave waiting. */
  readonly limits: IpcLimits;
  /** Runs a function in the context of an activity. Default: only runs it. */
  readonly run?: RunInActivity;
  /** Makes streams keep the asynchronous context of their call. Default: no context is tracked. */
  readonly bindItems?: BindItems;
  /** @internal Whether observers see its sessions and calls. Default `true`. */
  readonly isObserved?: boolean;
}

/** The work of one session. */
export interface DispatcherLoad {
  /** Calls and listeners that run. */
  readonly running: number;
  /** Messages that wait for others. */
  readonly waiting: number;
  /** Bytes of answers that wait for the frontend. */
  readonly answerBytes: number;
  /** Streams that arrive and are sent. */
  readonly streams: number;
}
