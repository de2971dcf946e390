import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { countPending } from './node.internals.js';
import { onSocketEnd } from './socket.end.js';

/** Requests of a connection that wait unread; more of them, and Node stops reading the connection. */
const MAX_QUEUE_LENGTH = 64;

/** A request whose turn has not come. */
interface Waiting {
  readonly response: ServerResponse;
  readonly begin: () => void;
}

/**
 * The calls of a connection whose client sends them without waiting for answers (HTTP pipelining). A limited number of them runs
 * at once. A call begins when it is certain that all calls before it will be answered.
 */
export class ConnectionCalls {
  /** Calls that are under way or whose answers wait for those ahead, in their order; with what is to be done when they end. */
  readonly #running = new Map<ServerResponse, () => void>();
  readonly #waiting: Waiting[] = [];
  /** The one whose request is being read. */
  #receiving: ServerResponse | undefined;
  #isEnding = false;

  constructor(
    socket: Socket,
    private readonly limit: number,
    gone: () => void,
  ) {
    onSocketEnd(socket, () => {
      this.#isEnding = true;
      this.#waiting.length = 0;
      for (const over of this.#running.values()) over();
      gone();
    });
  }

  /** Begins a call as soon as it may be. */
  add(request: IncomingMessage, response: ServerResponse, begin: () => void): void {
    if (this.#isEnding) return;
    this.#waiting.push({ response, begin });
    count(request, response, 1);
    // Everything ahead of it has been answered.
    response.once('socket', () => this.#next());
    this.#next();
  }

  /** A call is under way: what is behind it may begin. */
  begun(response: ServerResponse, over: () => void): void {
    this.#running.set(response, over);
    this.#read(response);
  }

  /** Whether a call is the last of those that have begun, or no other has. */
  isLast(response: ServerResponse): boolean {
    return this.#receiving === undefined && [...this.#running.keys()].at(-1) === response;
  }

  /** A request is refused, or a call over. */
  done(response: ServerResponse): void {
    this.#running.delete(response);
    this.#read(response);
  }

  /** The connection ends with an answer: whatever is behind it does not begin. */
  end(): void {
    this.#isEnding = true;
    this.#waiting.length = 0;
  }

  #read(response: ServerResponse): void {
    if (this.#receiving === response) this.#receiving = undefined;
    this.#next();
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#receiving === undefined && this.#mayBegin(this.#waiting[0]!)) {
      const { response, begin } = this.#waiting.shift()!;
      count(response.req, response, -1);
      this.#receiving = response;
      begin();
    }
  }

  #mayBegin({ response }: Waiting): boolean {
    if (response.socket) return true;
    if (this.#running.size === 0 || this.#running.size >= this.limit) return false;
    // One that has been answered may end the connection, and is to be taken by the client before there are more.
    for (const ahead of this.#running.keys()) if (ahead.headersSent) return false;
    return true;
  }
}

function count({ socket }: IncomingMessage, response: ServerResponse, by: 1 | -1): void {
  const bytes = Math.ceil(socket.writableHighWaterMark / MAX_QUEUE_LENGTH);
  countPending(response, by * bytes);
}
