import { inOperation } from '../../base/numbered.error.js';
import type { ErrorExposure } from '../../error/error.members.js';
import { RPC_CHANNEL } from '../channel/channel.js';
import { IpcMessageType } from './message.js';
import { encodeIpcValue } from './value.codec.js';
import type { EncodedIpcValue } from './value.codec.js';

/** A value on its way, made into what a wire needs as soon as that is known. */
export class OutgoingValue {
  /** What it was made into, if it was; it is then this that is sent, whatever became of the value. */
  encoded: EncodedIpcValue | undefined;

  constructor(
    readonly value: unknown,
    /** The member that holds the value, where the channel has an envelope. */
    readonly envelope?: 'result' | 'error',
    /** How much of errors in the value may be seen. */
    readonly exposure?: ErrorExposure,
    /** Names what the value is for, in the error of one that cannot be sent. */
    readonly name?: string,
  ) {}

  /**
   * The value as JSON text and binary parts; made once, for all peers.
   *
   * @throws NumberedError for a value that cannot be sent
   */
  encode(): EncodedIpcValue {
    if (this.encoded) return this.encoded;
    const encoded = this.made(() => encodeIpcValue(this.value, this.exposure));
    if (this.envelope)
      encoded.json = encoded.json === undefined ? '{}' : `{"${this.envelope}":${encoded.json}}`;
    return (this.encoded = encoded);
  }

  /** Makes something of the value. @throws the error of what cannot be sent, which names what it was for */
  made<T>(make: () => T): T {
    try {
      return make();
    } catch (error) {
      throw this.name === undefined ? error : inOperation(error, this.name);
    }
  }
}

/** A message that lacks nothing but its number, so that it can be sent to several peers, by any wire. */
export interface OutgoingMessage {
  readonly type: number;
  readonly channel: string;
  /** Of an Invoke. */
  readonly method?: string;
  /** Of an Invoke: its number. Of a Response: the number of the call that it answers. */
  readonly request?: number;
  readonly data: OutgoingValue;
  /** Of an Invoke, on the wire that carries it. */
  readonly activityId?: string;
  /** Of an Invoke, on the wire that carries it: how long its answer is waited for; 0 or none: for ever. */
  readonly timeoutMs?: number;
  /** The text of the compatible wire up to the number, once it was made. */
  text?: string;
}

/** Makes a message of the backend's without an answer. */
export function preparePush(channel: string, data: unknown[]): OutgoingMessage {
  return { type: IpcMessageType.Push, channel, data: argumentsFor(channel, data) };
}

export function prepareSend(channel: string, data: unknown[]): OutgoingMessage {
  return { type: IpcMessageType.Send, channel, data: argumentsFor(channel, data) };
}

export function prepareInvoke(
  channel: string,
  method: string,
  request: number,
  data: unknown[],
  { activityId, timeoutMs }: { activityId: string; timeoutMs: number },
): OutgoingMessage {
  const type = IpcMessageType.Invoke;
  // A call of RPC is named by who makes it.
  const value =
    channel === RPC_CHANNEL ? new OutgoingValue(data) : argumentsFor(`${channel}.${method}`, data);
  return { type, channel, method, request, data: value, activityId, timeoutMs };
}

function argumentsFor(name: string, data: unknown[]): OutgoingValue {
  return new OutgoingValue(data, undefined, undefined, name.replace(/^itwin\./, ''));
}

/**
 * @param envelope the member that holds the value, where the channel has an envelope
 * @param exposure what of errors in the value may be seen
 */
export function prepareResponse(
  channel: string,
  request: number,
  value: unknown,
  envelope?: 'result' | 'error',
  exposure?: ErrorExposure,
): OutgoingMessage {
  const type = IpcMessageType.Response;
  return { type, channel, request, data: new OutgoingValue(value, envelope, exposure) };
}

/** The word that nobody waits for an answer any more. */
export function prepareCancel(request: number): OutgoingMessage {
  return { type: IpcMessageType.Cancel, channel: '', request, data: new OutgoingValue(undefined) };
}
