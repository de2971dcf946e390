import type { IpcLimits } from '../wire/wire.limits.js';
import { encodeIpcValue, textFrame } from './ipc.codec.js';
import { IpcClosedError, IpcMessageType, IpcProtocolError } from './ipc.message.js';
import type { IpcClosure, IpcMessage } from './ipc.message.js';
import { IpcReceiver } from './ipc.receiver.js';

/** What a session needs of the connection under it. */
export interface IpcTransport {
  /** Sends a text frame and the binary frames behind it, in the order of the calls. Takes the parts' memory. */
  write(text: string, parts: readonly Uint8Array[]): void;
  /** Bytes that were written, and not yet taken by the peer. */
  readonly bufferedBytes: number;
  /** Resolves when the peer has taken what was written, or the connection has ended. Never rejects. */
  drained(): Promise<void>;
  /** Ends the connection, after what was written. Repeated calls do nothing. */
  close(code: number, reason: string): void;
}

/** Above this many buffered bytes whoever sends is asked to wait. */
const HIGH_WATER = 1024 * 1024;

const sent = Promise.resolve();

/** One connection's messages, both ways: numbers what is sent, puts together and in order what is received. */
export class IpcLink {
  #closure: IpcClosure | undefined;
  readonly #receiver: IpcReceiver;
  #sequence = 0;

  /**
   * @param receive is given every message of the peer, in the order of sending
   * @param onEnd is told once that the link is over, whoever ended it
   */
  constructor(
    private readonly transport: IpcTransport,
    private readonly limits: IpcLimits,
    receive: (message: IpcMessage) => void,
    private readonly onEnd: (closure: IpcClosure) => void,
  ) {
    this.#receiver = new IpcReceiver(limits, receive, (error) => this.#violated(error));
  }

  /** How the link ended; `undefined` while it lives. */
  get closure(): IpcClosure | undefined {
    return this.#closure;
  }

  /**
   * Sends a push.
   *
   * @returns resolves at once, or when the peer has taken what is on its way; rejects when the link is over
   * @throws IModelError for a value that cannot be sent
   */
  push(channel: string, data: unknown[]): Promise<void> {
    if (this.#closure) return Promise.reject(new IpcClosedError(this.#closure));
    const head = `"type":${IpcMessageType.Push},"channel":${JSON.stringify(channel)}`;
    this.#write(head, data);
    if (this.transport.bufferedBytes <= HIGH_WATER) return sent;
    return this.transport.drained().then(() => {
      if (this.#closure) throw new IpcClosedError(this.#closure);
    });
  }

  /**
   * Answers a call. On a link that is over there is nobody to have the answer.
   *
   * @param envelope the member that holds the value, where the channel has an envelope
   * @throws IModelError for a value that cannot be sent
   */
  respond(channel: string, request: number, value: unknown, envelope?: 'result' | 'error'): void {
    if (this.#closure) return;
    const { Response } = IpcMessageType;
    this.#write(
      `"type":${Response},"channel":${JSON.stringify(channel)},"response":${request}`,
      value,
      envelope,
    );
  }

  /** Takes a text frame of the peer's. Never throws. */
  receiveText(frame: string): void {
    this.#receive(() => this.#receiver.text(frame));
  }

  /** Takes a binary frame of the peer's, and its memory. Never throws. */
  receiveBinary(part: Uint8Array): void {
    this.#receive(() => this.#receiver.binary(part));
  }

  /** Ends the link from this side. */
  close(code: number, reason: string): void {
    if (this.#closure) return;
    this.ended({ code, reason });
    this.transport.close(code, reason);
  }

  /** The connection has ended. */
  ended(closure: IpcClosure): void {
    if (this.#closure) return;
    this.#closure = closure;
    this.#receiver.close();
    this.onEnd(closure);
  }

  #receive(take: () => void): void {
    if (this.#closure) return;
    try {
      take();
    } catch (error) {
      if (!(error instanceof IpcProtocolError)) throw error;
      this.#violated(error);
    }
  }

  #violated({ code, message }: IpcProtocolError): void {
    this.close(code, message);
  }

  /** In the order of the members in which the reference writes them. */
  #write(head: string, value: unknown, envelope?: string): void {
    // Before a number is taken: a value that cannot be sent leaves no gap in the sequence.
    const { json, parts } = encodeIpcValue(value);
    let data = json;
    if (envelope) data = json === undefined ? '{}' : `{"${envelope}":${json}}`;
    const member = data === undefined ? '' : `,"data":${data}`;
    const text = textFrame(`${head}${member},"sequence":${this.#sequence++}`, parts.length);
    this.transport.write(text, parts);
    const { bufferedBytes } = this.limits;
    if (this.transport.bufferedBytes > bufferedBytes)
      this.close(1013, `More than ${bufferedBytes} bytes were not taken.`);
  }
}
