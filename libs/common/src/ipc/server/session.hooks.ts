import type { IpcClosure } from '../channel/closure.js';
import type { IpcSession } from '../channel/session.js';

/** Is called when sessions begin and end. */
export interface IpcSessionHooks {
  /**
   * A session has begun. Its calls wait until the returned promise resolves; if it rejects, the session ends with 1011.
   */
  onOpen(session: IpcSession): void | Promise<void>;
  /** A session is over, and its calls have finished or had their time. */
  onClosed(session: IpcSession, closure: IpcClosure): void | Promise<void>;
}

/** A change of a session, as its server reports it. */
export type IpcSessionChange =
  /**
   * `begun`: it is new on this server. `interrupted`: its connection is broken, and it waits for its frontend. `resumed`: it goes on over
   * another connection.
   */
  | { readonly type: 'begun' | 'interrupted' | 'resumed'; readonly session: IpcSession }
  /** `moved`: it goes on at another node, and is over here. */
  | { readonly type: 'moved' | 'ended'; readonly session: IpcSession; readonly closure: IpcClosure };
