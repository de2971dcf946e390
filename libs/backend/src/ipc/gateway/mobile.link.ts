import { IpcClosedError } from '@linnet/common';
import type { ConnectionWire, IpcClosure, IpcLimits, IpcTransport } from '@linnet/common';
import {
  checkMessage,
  decodeValue,
  encodeParts,
  HIGH_WATER,
  IpcMessageType,
  IpcProtocolError,
  refusedReply,
  sent,
  SERIALIZED_RPC_CHANNEL,
  unwatched,
} from '@linnet/common/internal';
import type {
  IpcLinkEvents,
  IpcServerLink,
  KeptBytes,
  OutgoingMessage,
  SerializedReply,
} from '@linnet/common/internal';

/** core-mobile sends messages of IPC by the operation `send` of this interface. */
const IPC = '__ipc__';

type Members = Readonly<Record<string, unknown>>;

/** A request whose byte strings have not arrived yet. */
interface Announced {
  readonly request: Members;
  readonly missing: number;
  readonly data: Uint8Array[];
  bytes: number;
}

/** Members that the wire of core-mobile does not have. */
const uncancellable = {
  activityId: undefined,
  timeoutMs: undefined,
  isCancellable: false,
  slots: [],
} as const;

/**
 * The session of one frontend on the wire of core-mobile (`MobileRpcProtocol`): a text frame for each RPC request and
 * reply, followed by a binary frame for each of its byte strings. Messages of IPC are requests of an interface of their own.
 */
class MobileLink implements IpcServerLink {
  #closure: IpcClosure | undefined;
  #announced: Announced | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** RPC requests without an answer, without their arguments; by numbers below 0, which calls of a frontend cannot have. */
  readonly #requests = new Map<number, Members>();
  #last = 0;
  /** The waiting bytes at the time of the last count. */
  #counted = 0;

  constructor(
    private readonly transport: IpcTransport,
    private readonly limits: IpcLimits,
    private readonly events: IpcLinkEvents,
    private readonly kept: KeptBytes | undefined,
  ) {}

  get closure(): IpcClosure | undefined {
    return this.#closure;
  }

  get unsentBytes(): number {
    return this.transport.bufferedBytes;
  }

  send(message: OutgoingMessage): Promise<void> {
    if (!this.#closure) this.#send(message);
    if (this.#closure) return unwatched(Promise.reject(new IpcClosedError(this.#closure)));
    if (this.transport.bufferedBytes <= HIGH_WATER) return sent;
    // The count may end this session, or another one.
    this.#count(this.transport.bufferedBytes);
    return unwatched(this.#drained());
  }

  backpressure(): Promise<void> | undefined {
    if (this.#closure || this.transport.bufferedBytes <= this.limits.bufferedBytes / 2) return undefined;
    return this.transport.drained();
  }

  receive(frame: unknown): void {
    if (this.#closure) return;
    try {
      if (typeof frame === 'string') this.#takeText(frame);
      else this.#takePart(frame as Uint8Array);
    } catch (error) {
      if (!(error instanceof IpcProtocolError)) throw error;
      this.close(error.code, error.message);
    }
  }

  close(code: number, reason: string): void {
    if (this.#closure) return;
    this.ended({ code, reason, initiator: 'local' });
    this.transport.close(code, reason);
  }

  ended(closure: IpcClosure): void {
    if (this.#closure) return;
    this.#closure = closure;
    clearTimeout(this.#timer);
    this.#announced = undefined;
    this.#requests.clear();
    this.#count(0);
    this.events.ended(closure);
  }

  async #drained(): Promise<void> {
    if (!this.#closure) await this.transport.drained();
    const { bufferedBytes } = this.transport;
    if (!this.#closure) this.#count(bufferedBytes > HIGH_WATER ? bufferedBytes : 0);
    if (this.#closure) throw new IpcClosedError(this.#closure);
  }

  #count(bytes: number): void {
    const by = bytes - this.#counted;
    this.#counted = bytes;
    this.kept?.add(by);
  }

  #takeText(frame: string): void {
    const { textLength, parts } = this.limits;
    if (this.#announced) throw new IpcProtocolError(1002, 'A text frame where a binary frame was announced.');
    // The text of a value is escaped in its frame.
    if (frame.length > 2 * textLength + 1024)
      throw new IpcProtocolError(1009, `A text frame of more than ${textLength} characters.`);
    const request = membersOf(parsed(frame, [], this.limits));
    const { data } = membersOf(request['parameters']);
    if (!Array.isArray(data)) throw new IpcProtocolError(1002, 'A message is not a request of core-mobile.');
    if (data.length > parts)
      throw new IpcProtocolError(1008, `A message of more than ${parts} binary frames.`);
    if (data.length === 0) this.#take(request, []);
    else {
      this.#announced = { request, missing: data.length, data: [], bytes: frame.length };
      const late = () => this.close(1002, 'An announced binary frame did not arrive in time.');
      this.#timer = setTimeout(late, this.limits.arrivalMs);
    }
  }

  #takePart(part: Uint8Array): void {
    const announced = this.#announced;
    if (!announced) throw new IpcProtocolError(1002, 'A binary frame that no text frame announced.');
    announced.data.push(part);
    announced.bytes += part.byteLength;
    const { messageBytes } = this.limits;
    if (announced.bytes > messageBytes)
      throw new IpcProtocolError(1009, `A message of more than ${messageBytes} bytes.`);
    if (announced.data.length < announced.missing) return;
    clearTimeout(this.#timer);
    this.#announced = undefined;
    this.#take(announced.request, announced.data);
  }

  #take(request: Members, data: Uint8Array[]): void {
    const parameters = membersOf(request['parameters']);
    if (membersOf(request['operation'])['interfaceDefinition'] === IPC) this.#takeMessage(parameters, data);
    else {
      const { id, operation } = request;
      this.#requests.set(--this.#last, { id, operation });
      const call = { ...request, parameters: { ...parameters, data } };
      this.events.receive({
        type: IpcMessageType.Invoke,
        channel: SERIALIZED_RPC_CHANNEL,
        method: 'request',
        request: this.#last,
        data: [call],
        refusal: undefined,
        ...uncancellable,
      });
    }
  }

  #takeMessage({ objects }: Members, data: Uint8Array[]): void {
    const args = parsed(String(objects), data, this.limits);
    const {
      type,
      channel,
      method,
      request = 0,
      data: sent = [],
    } = membersOf((args as unknown[] | null)?.[0]);
    if (type !== IpcMessageType.Send && type !== IpcMessageType.Invoke) return;
    this.events.receive(checkMessage({ type, channel, method, request, data: sent, ...uncancellable }));
  }

  #send(outgoing: OutgoingMessage): void {
    const { type, channel, data } = outgoing;
    const response = outgoing.type === IpcMessageType.Response ? outgoing.request : undefined;
    const rpc = response === undefined ? undefined : this.#requests.get(response);
    if (rpc) {
      const isError = data.envelope === 'error';
      this.#write(isError ? refusedReply(rpc, data.value) : (data.value as SerializedReply));
      this.#requests.delete(response!);
      return;
    }
    const value = data.envelope ? { [data.envelope]: data.value } : data.value;
    const message = { type, channel, ...(response !== undefined && { response }), data: value };
    this.#write({ interfaceName: IPC, id: channel, status: 0, result: encodeParts(message, data.exposure) });
  }

  #write({ result: { objects, data }, ...reply }: SerializedReply): void {
    const { bufferedBytes } = this.limits;
    // Code of the value may have ended the session.
    if (this.#closure) return;
    // Checked before: one message may be larger than the limit, and the peer has had no time to take it.
    if (this.transport.bufferedBytes > bufferedBytes)
      this.close(1013, `More than ${bufferedBytes} bytes wait.`);
    else {
      const lengths = data.map(({ byteLength }) => byteLength);
      this.transport.write(JSON.stringify({ ...reply, result: { objects, data: lengths } }));
      for (const part of data) this.transport.write(part);
    }
  }
}

/** The wire of core-mobile. */
export const mobileWire: ConnectionWire = {
  kind: 'connection',
  openLink: (transport, limits, events, kept) => new MobileLink(transport, limits, events, kept),
};

function parsed(text: string, data: Uint8Array[], { depth }: IpcLimits): unknown {
  try {
    return decodeValue(text, data, depth);
  } catch (error) {
    throw new IpcProtocolError(1007, (error as Error).message);
  }
}

function membersOf(value: unknown): Members {
  return Object(value) as Members;
}
