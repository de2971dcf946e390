import type { Activity } from '../../call/activity.js';
import type { IpcChannelLike } from './channel.js';
import type { IpcClosure } from './closure.js';
import type { IpcNotifier, IpcProxy } from './proxy.js';

/** The user of a session, as authorization found it before the session began. */
export interface IpcIdentity {
  /** Visible as `user` of the session and of every activity in it. */
  readonly user?: unknown;
  /** The credentials, visible as `accessToken`; empty if the frontend has none. */
  readonly accessToken?: string;
  /** Names the frontend itself, so that the backend recognizes it after a reload; see `IpcTicketService`. */
  readonly frontend?: string;
}

/** The context of a message, for listeners and raw handlers. */
export interface IpcEvent {
  /** The session that the message came over. */
  readonly session: IpcSession;
  /** The activity that the message is part of. */
  readonly activity: Activity;
}

/** A listener for messages without an answer. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each channel has its own arguments
export type IpcListener = (event: IpcEvent, ...args: any[]) => unknown;

/** The upgrade request of a session. */
export interface IpcSessionRequest {
  /** The headers of the first handshake. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * The session of one frontend, as applications use it. It lives as long as its connection, or until the frontend does
 * not come back in time. Inject this class to get the session: a handler that injects it is instantiated once
 * for each session.
 */
export abstract class IpcSession {
  /** Unique among all sessions. */
  abstract readonly id: string;
  /** Names the frontend across its sessions, if its ticket did. */
  abstract readonly frontend: string | undefined;
  /** The upgrade request; `undefined` without a network. */
  abstract readonly request: IpcSessionRequest | undefined;
  /** Resolves when the session is over, whichever side ended it. */
  abstract readonly closed: Promise<IpcClosure>;

  /**
   * The user, as `authorize`, a ticket or a guard of the upgrade found it; `undefined` if the application has none of
   * them. It cannot be set: a guard of a call writes to the request of that call.
   */
  abstract get user(): unknown;

  /** The address of the frontend at the last upgrade, behind trusted proxies; `undefined` without a network. */
  abstract get ip(): string | undefined;

  /** The credentials of the last upgrade. A session that resumes has new ones. */
  abstract get accessToken(): string;

  /** The headers of the first handshake. */
  abstract get headers(): IpcSessionRequest['headers'];

  /** Whether messages can be sent: `false` from the moment at which the session ends. */
  abstract get isOpen(): boolean;

  /** Aborted when the session is over. */
  abstract get signal(): AbortSignal;

  /**
   * Sends a message to this frontend.
   *
   * @returns resolves when the frontend keeps up with what is sent to it; rejects with an `IpcClosedError`
   * @throws NumberedError if a value cannot be sent
   */
  abstract send(channel: IpcChannelLike, ...args: unknown[]): Promise<void>;

  /**
   * Typed notifications over a channel.
   *
   * ```ts
   * session.notifications(robotChannel).moved(id, position);
   * ```
   */
  abstract notifications<Functions extends object, Notifications extends object>(
    channel: IpcChannelLike<Functions, Notifications>,
  ): IpcNotifier<Notifications>;

  /**
   * Calls the handler of a channel in the frontend (`IpcApp.handle`), as iTwin.js 5.12 does
   * (docs/wire.md#37-calls-from-the-backend).
   *
   * @returns the reply of the frontend
   * @throws IpcClosedError if the session ends before (rejection); Error if the deadline passes
   */
  abstract invoke(channel: IpcChannelLike, ...args: unknown[]): Promise<unknown>;

  /** Calls a method of the `IpcHandler` of a channel in the frontend; rejects with the error that it throws. */
  abstract callIpcChannel(channel: IpcChannelLike, method: string, ...args: unknown[]): Promise<unknown>;

  /** The methods of the `IpcHandler` of a channel in the frontend, as methods of an object here. */
  abstract makeIpcProxy<T extends object>(channel: IpcChannelLike<T>): IpcProxy<T>;

  /**
   * Listens to messages from this frontend without an answer.
   *
   * @returns a function that removes the listener
   */
  abstract addListener(channel: IpcChannelLike, listener: IpcListener): () => void;

  /** Removes a listener that {@link addListener} added. */
  abstract removeListener(channel: IpcChannelLike, listener: IpcListener): void;

  /** The names of the rooms that the session is in. */
  abstract get rooms(): readonly string[];

  /**
   * Adds the session to a room: it gets the notifications to the room, and stays while its connection is broken. A second call
   * replaces the data.
   *
   * @param room any name: a room exists while somebody is in it
   * @param data JSON for the list of members; the frontends do not get it
   * @returns resolves when the session gets everything that is sent from then on, by any node
   * @throws NumberedError if the policy refuses or a limit is reached, BackplaneError if the nodes cannot be reached, IpcClosedError
   * if the session is over (rejections): the session is not in the room
   */
  abstract join(room: string, data?: unknown): Promise<void>;

  /**
   * Removes the session from a room, at once on this node. The end of the session does it as well.
   *
   * @returns resolves when the other nodes can know
   */
  abstract leave(room: string): Promise<void>;

  /**
   * Ends the session.
   *
   * @param code a code of WebSocket: 1000, or 3000 to 4999 for reasons of the application
   * @param reason for the frontend; at most 123 bytes of UTF-8 reach it
   * @throws RangeError if WebSocket has no such code, or never sends it
   */
  abstract close(code?: number, reason?: string): void;
}
