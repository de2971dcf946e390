import type { NumberedError } from '../../base/numbered.error.js';
import type { TraceFields } from '../../base/observer.js';

/** The type of a message (docs/wire.md#32-messages). */
export const IpcMessageType = {
  /** From the frontend, without an answer. */
  Send: 0,
  /** From the backend, without an answer. */
  Push: 1,
  /** A call from the frontend. */
  Invoke: 2,
  /** The answer to a call. */
  Response: 3,
  /** Cancels a call, on the durable wire. */
  Cancel: 4,
  /** Items of a stream, on the durable wire (docs/wire-extension.md#9-streams). */
  Item: 5,
  /** The end of a stream. */
  StreamEnd: 6,
  /** The reader of a stream has taken items, or has left. */
  Taken: 7,
  /** Never on a wire: a message of a type that this version does not have. */
  Ignored: -1,
} as const;

/** A frame of a transport: text, bytes, or a list if the platform clones values. */
export type IpcFrame = string | Uint8Array | readonly unknown[];

/** A message that carries values. Only its form has been checked: what it names may not exist. */
interface ValueMessage {
  readonly channel: string;
  /** Arguments; of an answer its value alone. Empty with a {@link refusal}. */
  readonly data: unknown[];
  /** The reason why the values were not accepted. A call is answered with it. */
  readonly refusal: NumberedError | undefined;
}

/** A message without an answer. */
export interface NoticeMessage extends ValueMessage {
  readonly type: typeof IpcMessageType.Send | typeof IpcMessageType.Push;
  /** The trace of the sender, on a wire that carries it. */
  readonly trace?: TraceFields | undefined;
}

/** A call. */
export interface InvokeMessage extends ValueMessage {
  readonly type: typeof IpcMessageType.Invoke;
  /** The method as the peer wrote it: any value. */
  readonly method: unknown;
  /** The number of the call, which its answer repeats. */
  readonly request: number;
  /** Names the activity, on a wire that carries it: any value. */
  readonly activityId: unknown;
  /** How long the caller waits, in milliseconds, on a wire that carries it: any value. */
  readonly timeoutMs: unknown;
  /** Whether the wire has a message that cancels the call. */
  readonly isCancellable: boolean;
  /** The streams of the call, on a wire that carries them: 0 for its result, n for the nth argument. */
  readonly slots: readonly number[];
  /** How long it has waited for other calls, in milliseconds, where an observer wants to know. */
  readonly waitedMs?: number;
  /** The trace of the caller, on a wire that carries it. */
  readonly trace?: TraceFields | undefined;
}

/** The slot of progress among the streams of a call. It is above the number of arguments that a call can have. */
export const PROGRESS_SLOT = 1000;

/** Names one stream of a session. */
interface StreamMessage {
  /** The number of the call that the stream belongs to. */
  readonly request: number;
  /** 0 for the result of the call, n for its nth argument. */
  readonly slot: number;
}

/** Items of a stream, one at least. */
export interface ItemMessage extends StreamMessage, Omit<ValueMessage, 'channel'> {
  readonly type: typeof IpcMessageType.Item;
}

/** The end of a stream; `data` has the members of an error if the producer failed. */
export interface StreamEndMessage extends StreamMessage, Omit<ValueMessage, 'channel'> {
  readonly type: typeof IpcMessageType.StreamEnd;
}

/** The reader has taken this many more items. Without a number it has left, and reads no more. */
export interface TakenMessage extends StreamMessage {
  readonly type: typeof IpcMessageType.Taken;
  readonly items: number | undefined;
}

/** The answer to a call. */
interface ResponseMessage extends ValueMessage {
  readonly type: typeof IpcMessageType.Response;
  /** The number of the call. */
  readonly request: number;
}

/** The caller does not wait for the answer to a call any more. */
interface CancelMessage {
  readonly type: typeof IpcMessageType.Cancel;
  /** The number of the call. */
  readonly request: number;
}

/** A message of an unknown type: it has its place in the order, and nothing else. */
export interface IgnoredMessage {
  readonly type: typeof IpcMessageType.Ignored;
}

/** A message as it was received. */
export type IpcMessage =
  | NoticeMessage
  | InvokeMessage
  | ResponseMessage
  | CancelMessage
  | ItemMessage
  | StreamEndMessage
  | TakenMessage
  | IgnoredMessage;

/** Stands for every message of an unknown type. */
export const ignoredMessage: IgnoredMessage = { type: IpcMessageType.Ignored };

/** The peer broke the protocol; its session ends with this code and reason. */
export class IpcProtocolError extends Error {
  constructor(
    /**
     * 1002 broken protocol (a frame of the wrong kind included), 1007 wrong content, 1008 not allowed, 1009 too big, 4000
     * a connection that is given up, 4001 a session that cannot be resumed.
     */
    readonly code: 1002 | 1007 | 1008 | 1009 | 4000 | 4001,
    message: string,
  ) {
    super(message);
  }
}

/** The session that a frontend wants to resume does not exist or belongs to another user, or none can begin. */
export class SessionNotFound extends IpcProtocolError {
  constructor(message = 'The session is not there any more.') {
    super(4001, message);
  }
}
