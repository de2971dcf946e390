import type { IpcLimits } from '../../base/limits.js';
import type { IpcChannelWith } from '../channel/channel.js';

/** A listener for messages from the backend without an answer. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what a message carries is up to its channel
export type IpcFrontendListener = (event: object, ...args: any[]) => void;

/** The arguments of a listener: the name of a notification, and what it is called with; anything for an untyped channel. */
type NotificationMessage<Notifications> = 0 extends 1 & Notifications
  ? // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what a message carries is up to its channel
    any[]
  : [keyof Notifications] extends [never]
    ? // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what a message carries is up to its channel
      any[]
    : {
        [Name in keyof Notifications & string]: Notifications[Name] extends (...args: infer Args) => unknown
          ? [name: Name, ...args: Args]
          : never;
      }[keyof Notifications & string];

/** A listener of a channel: of its notifications, where the channel has their types. */
export type IpcNotificationListener<Notifications extends object = object> = (
  event: object,
  ...message: NotificationMessage<Notifications>
) => void;

/** Adds a listener to a channel. @returns a function that removes the listener */
export interface IpcAddListener {
  /** `(event, ...message)`: the name of a notification tells the types of what follows it. */
  <Notifications extends object = object>(
    channel: IpcChannelWith<Notifications>,
    listener: IpcNotificationListener<Notifications>,
  ): () => void;
  /** `(event, name, …)`: the name is that of a notification. */
  <Notifications extends object = object>(
    channel: IpcChannelWith<Notifications>,
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a function of fewer parameters than some notification has
    listener: (event: object, name: keyof Notifications & string, ...args: any[]) => void,
  ): () => void;
}

/** Answers calls from the backend. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what a call carries is up to its channel
export type IpcFrontendHandler = (...args: any[]) => unknown;

/** How a frontend behaves. */
export interface IpcFrontendOptions {
  /** How long a call may take, in milliseconds; 0: for ever. Default 60,000. */
  readonly invokeTimeoutMs?: number;
  /** Whether a new session begins after one was lost. Default: if the connector can make another connection. */
  readonly reconnect?: boolean;
  /** The first pause before connecting again, and the longest, in milliseconds. Default 250 and 10,000. */
  readonly reconnectMs?: readonly [first: number, longest: number];
  /** How long a connection may take to open, with the handshake, in milliseconds. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /**
   * On the durable wire: how long the backend may be silent before it is probed, in milliseconds; the connection is given
   * up if it is silent for as long again. Default 30,000.
   */
  readonly heartbeatMs?: number;
  /**
   * How much of the backend is accepted and kept, in bytes and counts. Missing members have the value of
   * {@link defaultIpcLimits}.
   */
  readonly limits?: Partial<IpcLimits>;
  /** Returns what a method of a handler rejects with in the place of its error; see `RpcClientOptions.mapError`. */
  readonly mapError?: (error: unknown) => unknown;
  /** @internal Whether observers see its sessions and its calls. Default `true`. */
  readonly isObserved?: boolean;
}

/** Options of one call. */
export interface IpcInvokeOptions {
  /** Aborts the call: it rejects with the signal's reason, and a backend of ours learns of it. */
  readonly signal?: AbortSignal;
  /** In the place of `invokeTimeoutMs`. */
  readonly timeoutMs?: number;
  /** Names the activity, on a wire that carries it. Default: a new one. */
  readonly activityId?: string;
  /** Receives what the method reports by `activity.report`, on the durable wire. */
  readonly onProgress?: (value: unknown) => void;
}
