import { IpcClosedError } from '@linnet/common';
import type {
  IpcClosure,
  IpcConnection,
  IpcLimits,
  IpcServer,
  IpcSessionProps,
  IpcTransport,
} from '@linnet/common';
import {
  checkMessage,
  decodeValue,
  encodeParts,
  HIGH_WATER,
  IpcMessageType,
  IpcProtocolError,
  isCount,
  refusedReply,
  sent,
  SERIALIZED_RPC_CHANNEL,
  unwatched,
} from '@linnet/common/internal';
import type {
  IpcMessage,
  IpcServerLink,
  KeptBytes,
  OutgoingMessage,
  SerializedReply,
} from '@linnet/common/internal';

/** The interface by whose operation `send` core-mobile sends messages of IPC. */
const IPC = '__ipc__';

type Members = Readonly<Record<string, unknown>>;

/** A request whose byte strings are still to come. */
interface Announced {
  readonly request: Members;
  readonly missing: number;
  readonly data: Uint8Array[];
  bytes: number;
}

/**
 * The session of one frontend on the wire of core-mobile (`MobileRpcProtocol`): a text frame for each RPC request and reply,
 * and behind it a binary frame for each of its byte strings. Messages of IPC are requests of an interface of that name.
 */
class MobileLink implements IpcServerLink {
  #closure: IpcClosure | undefined;
  #announced: Announced | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Requests of RPC that are not answered yet, without their arguments, by numbers of our own: below 0, as those of the frontend's calls are not. */
  readonly #requests = new Map<number, Members>();
  #last = 0;
  /** Bytes that wait, as they were counted last. */
  #counted = 0;

  constructor(
    private readonly transport: IpcTransport,
    private readonly limits: IpcLimits,
    private readonly deliver: (message: IpcMessage) => void,
    private readonly onEnd: (closure: IpcClosure) => void,
    private readonly kept: KeptBytes,
  ) {}

  get closure(): IpcClosure | undefined {
    return this.#closure;
  }

  /** @throws NumberedError for a value that cannot be sent */
  send(message: OutgoingMessage): Promise<void> {
    if (!this.#closure) this.#send(message);
    if (this.#closure) return unwatched(Promise.reject(new IpcClosedError(this.#closure)));
    if (this.transport.bufferedBytes <= HIGH_WATER) return sent;
    // It may be too much for all.
    this.#count(this.transport.bufferedBytes);
    return unwatched(this.#drained());
  }

  room(): Promise<void> | undefined {
    if (this.#closure || this.transport.bufferedBytes <= this.limits.bufferedBytes / 2) return undefined;
    return this.transport.drained();
  }

  /** Takes a frame of the frontend, and its memory. Never throws. */
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
    this.ended({ code, reason });
    this.transport.close(code, reason);
  }

  ended(closure: IpcClosure): void {
    if (this.#closure) return;
    this.#closure = closure;
    clearTimeout(this.#timer);
    this.#announced = undefined;
    this.#requests.clear();
    this.#count(0);
    this.onEnd(closure);
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
    this.kept.add(by);
  }

  #takeText(frame: string): void {
    const { textLength, parts } = this.limits;
    if (this.#announced) throw new IpcProtocolError(1002, 'A text frame where a binary frame was announced.');
    // The text of a value is escaped in its frame.
    if (frame.length > 2 * textLength + 1024)
      throw new IpcProtocolError(1009, `A text frame of more than ${textLength} characters.`);
    const request = membersOf(parsed(frame, [], this.limits));
    const { data } = membersOf(request['parameters']);
    if (!Array.isArray(data)) throw new IpcProtocolError(1002, 'A message is no request of core-mobile.');
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
      this.#deliver({
        type: IpcMessageType.Invoke,
        channel: SERIALIZED_RPC_CHANNEL,
        method: 'request',
        request: this.#last,
        data: [call],
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
    if (!isCount(request)) throw new IpcProtocolError(1002, 'A message has a request number that is none.');
    this.#deliver({ type, channel, method, request, data: sent });
  }

  #deliver(message: Omit<Parameters<typeof checkMessage>[0], 'activityId' | 'timeoutMs'>): void {
    // Requests of RPC have numbers below 0, which a frontend cannot have.
    const { request } = message;
    const checked = checkMessage({ ...message, request: 0, activityId: undefined, timeoutMs: undefined });
    this.deliver({ ...checked, request: request as number, sequence: 0 });
  }

  #send({ type, channel, request, data }: OutgoingMessage): void {
    const rpc = this.#requests.get(request!);
    if (rpc) {
      const isError = data.envelope === 'error';
      this.#write(isError ? refusedReply(rpc, data.value) : (data.value as SerializedReply));
      this.#requests.delete(request!);
      return;
    }
    const isResponse = type === IpcMessageType.Response;
    const value = data.envelope ? { [data.envelope]: data.value } : data.value;
    const message = { type, channel, ...(isResponse && { response: request }), data: value };
    this.#write({ interfaceName: IPC, id: channel, status: 0, result: encodeParts(message, data.exposure) });
  }

  #write({ result: { objects, data }, ...reply }: SerializedReply): void {
    const { bufferedBytes } = this.limits;
    // A value's own code may have ended the session.
    if (this.#closure) return;
    // Asked before: one message may be larger than all that may wait, and its peer has had no time to take it.
    if (this.transport.bufferedBytes > bufferedBytes)
      this.close(1013, `More than ${bufferedBytes} bytes wait.`);
    else {
      const lengths = data.map(({ byteLength }) => byteLength);
      this.transport.write(JSON.stringify({ ...reply, result: { objects, data: lengths } }));
      for (const part of data) this.transport.write(part);
    }
  }
}

/** Begins a session on the wire of core-mobile. */
export function openMobile(
  server: IpcServer,
  transport: IpcTransport,
  props: IpcSessionProps,
): IpcConnection {
  return server.openLink((...of) => new MobileLink(transport, server.limits, ...of), props);
}

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
