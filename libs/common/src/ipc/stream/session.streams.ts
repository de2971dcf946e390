import { IpcProtocolError } from '../message/message.js';
import type { ItemMessage, StreamEndMessage, TakenMessage } from '../message/message.js';
import { CallStreams } from './call.streams.js';
import type { StreamSide } from './call.streams.js';

/** The streams of all calls at one end of a session. */
export class SessionStreams {
  readonly #calls = new Map<number, CallStreams>();

  constructor(private readonly side: StreamSide) {}

  /** How many streams arrive and are sent. */
  get size(): number {
    let size = 0;
    for (const streams of this.#calls.values()) size += streams.size;
    return size;
  }

  /** Begins the streams of a call. @throws IpcProtocolError if the number of the call is in use */
  begin(request: number): CallStreams {
    if (this.#calls.has(request)) throw new IpcProtocolError(1002, 'Two calls with streams have one number.');
    const streams = new CallStreams(this.side, request);
    this.#calls.set(request, streams);
    return streams;
  }

  /** The streams of a call that is not over. */
  of(request: number): CallStreams | undefined {
    return this.#calls.get(request);
  }

  /** Receives a message about a stream. A stream of a call that is over is ignored. @throws IpcProtocolError */
  receive(message: ItemMessage | StreamEndMessage | TakenMessage): void {
    this.#calls.get(message.request)?.receive(message);
  }

  /** The call is over: producers stop, and nothing more is read. */
  finish(request: number): void {
    this.#calls.get(request)?.close();
    this.#calls.delete(request);
  }

  /** The session is over: producers stop, and readers get an error. */
  fail(error: unknown): void {
    for (const streams of this.#calls.values()) streams.fail(error);
    this.#calls.clear();
  }
}
