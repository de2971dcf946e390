import { generalError, inOperation } from '../../base/numbered.error.js';
import type { TraceFields } from '../../base/observer.js';
import type { ErrorExposure } from '../../error/error.members.js';
import { fromWireChannel, RPC_CHANNEL } from '../channel/channel.js';
import { IpcMessageType } from './message.js';
import { encodeIpcValue } from './value.codec.js';
import type { EncodedIpcValue } from './value.codec.js';

/** A value that is about to be sent. It is encoded when the wire is known. */
export class OutgoingValue {
  /** The encoded value. Once it exists it is sent, even if the value has changed since. */
  encoded: EncodedIpcValue | undefined;

  constructor(
    readonly value: unknown,
    /** The member that holds the value, if the channel has an envelope. */
    readonly envelope?: 'result' | 'error',
    /** How much of errors in the value the peer sees. */
    readonly exposure?: ErrorExposure,
    /** Names the operation in the error of a value that cannot be sent. */
    readonly name?: string,
  ) {}

  /**
   * The value as JSON text and binary parts. It is encoded once for all peers.
   *
   * @throws NumberedError if the value cannot be sent
   */
  encode(): EncodedIpcValue {
    if (this.encoded) return this.encoded;
    const encoded = this.made(() => encodeIpcValue(this.value, this.exposure));
    if (this.envelope)
      encoded.json = encoded.json === undefined ? '{}' : `{"${this.envelope}":${encoded.json}}`;
    return (this.encoded = encoded);
  }

  /** Encodes the value. @throws the error of a value that cannot be sent, with the name of the operation */
  made<T>(make: () => T): T {
    try {
      return make();
    } catch (error) {
      throw this.name === undefined ? error : inOperation(error, this.name);
    }
  }

  /** @throws NumberedError because the message would have more bytes than its receiver accepts */
  tooLarge(most: number): never {
    return this.made(() => {
      throw generalError(`The value cannot be sent: it has more than ${most} bytes.`);
    });
  }
}

/** The members of every message that is sent. */
interface OutgoingBase {
  readonly channel: string;
  readonly data: OutgoingValue;
  /** The text of the compatible wire up to the number, once it was made. */
  text: string | undefined;
}

/** A message without an answer. */
export interface OutgoingNotice extends OutgoingBase {
  readonly type: typeof IpcMessageType.Send | typeof IpcMessageType.Push;
  /** The trace of the sender, on a wire that carries it. */
  readonly trace: TraceFields | undefined;
}

/** A call. */
export interface OutgoingInvoke extends OutgoingBase {
  readonly type: typeof IpcMessageType.Invoke;
  readonly method: string;
  /** The number of the call. */
  readonly request: number;
  /** Names the activity, on a wire that carries it. */
  readonly activityId: string;
  /** How long the caller waits, in milliseconds, on a wire that carries it; 0: for ever. */
  readonly timeoutMs: number;
  /** The streams of the call: 0 for its result, n for the nth argument. */
  readonly slots: readonly number[];
  /** The trace of the caller, on a wire that carries it. */
  readonly trace?: TraceFields | undefined;
}

/** The answer to a call. */
export interface OutgoingResponse extends OutgoingBase {
  readonly type: typeof IpcMessageType.Response;
  /** The number of the call. */
  readonly request: number;
}

/** The caller does not wait for the answer any more. */
export interface OutgoingCancel extends OutgoingBase {
  readonly type: typeof IpcMessageType.Cancel;
  /** The number of the call. */
  readonly request: number;
}

/** An item of a stream, or its end with or without an error. */
export interface OutgoingItem extends OutgoingBase {
  readonly type: typeof IpcMessageType.Item | typeof IpcMessageType.StreamEnd;
  /** The number of the call that the stream belongs to. */
  readonly request: number;
  /** 0 for the result of the call, n for its nth argument. */
  readonly slot: number;
}

/** The reader of a stream has taken items, or has left. */
export interface OutgoingTaken extends OutgoingBase {
  readonly type: typeof IpcMessageType.Taken;
  readonly request: number;
  readonly slot: number;
  /** How many items; `undefined`: the reader has left. */
  readonly items: number | undefined;
}

/** A message that lacks only its number, so that several peers can get it over any wire. */
export type OutgoingMessage =
  OutgoingNotice | OutgoingInvoke | OutgoingResponse | OutgoingCancel | OutgoingItem | OutgoingTaken;

/** A message from the backend without an answer. */
export function preparePush(channel: string, data: unknown[], trace?: TraceFields): OutgoingNotice {
  return { type: IpcMessageType.Push, channel, data: argumentsFor(channel, data), text: undefined, trace };
}

/**
 * A message from the frontend without an answer.
 *
 * @param name names the channel in the error of a value that cannot be sent
 */
export function prepareSend(
  channel: string,
  data: unknown[],
  trace?: TraceFields,
  name = channel,
): OutgoingNotice {
  return { type: IpcMessageType.Send, channel, data: argumentsFor(name, data), text: undefined, trace };
}

const noSlots: readonly number[] = [];

/** A call from the frontend. */
export function prepareInvoke(
  channel: string,
  method: string,
  request: number,
  data: unknown[],
  props: Pick<OutgoingInvoke, 'activityId' | 'timeoutMs'> & Partial<Pick<OutgoingInvoke, 'slots' | 'trace'>>,
): OutgoingInvoke {
  const type = IpcMessageType.Invoke;
  // The RPC client names the operation in the error of a value that cannot be sent.
  const value =
    channel === RPC_CHANNEL ? new OutgoingValue(data) : argumentsFor(`${channel}.${method}`, data);
  return { type, channel, method, request, data: value, slots: noSlots, ...props, text: undefined };
}

function argumentsFor(name: string, data: unknown[]): OutgoingValue {
  return new OutgoingValue(data, undefined, undefined, fromWireChannel(name));
}

/**
 * The answer to a call.
 *
 * @param envelope the member that holds the value, if the channel has an envelope
 * @param exposure how much of errors in the value the peer sees
 */
export function prepareResponse(
  channel: string,
  request: number,
  value: unknown,
  envelope?: 'result' | 'error',
  exposure?: ErrorExposure,
): OutgoingResponse {
  const data = new OutgoingValue(value, envelope, exposure);
  return { type: IpcMessageType.Response, channel, request, data, text: undefined };
}

/** The cancellation of a call. */
export function prepareCancel(request: number): OutgoingCancel {
  const data = new OutgoingValue(undefined);
  return { type: IpcMessageType.Cancel, channel: '', request, data, text: undefined };
}

/**
 * An item of a stream.
 *
 * @param name names the operation in the error of an item that cannot be sent
 */
export function prepareItem(
  request: number,
  slot: number,
  value: unknown,
  name: string | undefined,
  exposure?: ErrorExposure,
): OutgoingItem {
  const data = new OutgoingValue(value, undefined, exposure, name);
  return { type: IpcMessageType.Item, channel: '', request, slot, data, text: undefined };
}

/** The end of a stream. @param error the members of the error that ended it, if one did */
export function prepareStreamEnd(
  request: number,
  slot: number,
  error?: unknown,
  exposure?: ErrorExposure,
): OutgoingItem {
  const data = new OutgoingValue(error, undefined, exposure);
  return { type: IpcMessageType.StreamEnd, channel: '', request, slot, data, text: undefined };
}

const nothing = new OutgoingValue(undefined);

/** A message of the reader of a stream. @param items how many it has taken; `undefined`: it has left */
export function prepareTaken(request: number, slot: number, items: number | undefined): OutgoingTaken {
  return { type: IpcMessageType.Taken, channel: '', request, slot, items, data: nothing, text: undefined };
}
