import { TransientError } from '../../error/imodel.error.js';
import { encodeError } from '../../error/error.codec.js';
import { encodeIpcError } from './error.codec.js';
import type { SessionBytes } from '../message/session.bytes.js';
import type { IpcServerLink } from '../message/link.js';
import { prepareResponse } from '../message/outgoing.message.js';
import type { OutgoingResponse } from '../message/outgoing.message.js';

const TOO_MUCH = 'Too many bytes of answers wait until this frontend has taken those before.';

/** Calls wait from this part of the limit on, because running calls have answers, too. */
const ENOUGH = 8;

/** Why an answer cannot be sent. */
export interface SendFailure {
  readonly thrown: unknown;
}

interface Answer {
  response: OutgoingResponse;
  bytes: number;
  /** Called when it was sent, or its session is over; with an error if it cannot be sent. */
  readonly done: (failure?: SendFailure) => void;
}

/** The answers of a session that wait until its frontend has taken those that were sent before, in order. */
export class AnswerQueue {
  readonly #answers: Answer[] = [];
  /** Bytes of all of them. */
  #sum = 0;
  #isListening = false;

  /** @param limit how many bytes may wait */
  constructor(
    private readonly link: Pick<IpcServerLink, 'send' | 'backpressure'>,
    private readonly bytes: SessionBytes,
    private readonly limit: number,
  ) {}

  /** Whether so much waits that further calls wait as well. */
  get isMuch(): boolean {
    return this.#sum > this.limit / ENOUGH;
  }

  /** Bytes of the answers that wait. */
  get waitingBytes(): number {
    return this.#sum;
  }

  /**
   * Sends an answer, or keeps it until it can be sent. Without space to keep it, an error is sent in its place.
   *
   * @param activityId for the error
   * @param done called when it was sent, or its session is over; with an error if it turns out that it cannot be sent
   * @throws NumberedError if the value cannot be sent
   */
  send(response: OutgoingResponse, activityId: string, done: (failure?: SendFailure) => void): void {
    // It has to wait for the peer, or for its turn.
    if (this.#answers.length === 0 && !this.link.backpressure()) {
      void this.link.send(response);
      done();
      return;
    }
    const answer = { response, bytes: sizeOf(response), done };
    // Added before it is counted: the count may end the session.
    this.#answers.push(answer);
    if (!this.bytes.take(answer.bytes)) {
      answer.response = refusalOf(response, new TransientError(TOO_MUCH), activityId);
      answer.bytes = sizeOf(answer.response);
      this.bytes.add(answer.bytes);
    }
    this.#sum += answer.bytes;
    this.#listen();
  }

  /** Forgets all answers, because the session is over. */
  clear(): void {
    for (const { bytes, done } of this.#answers.splice(0)) {
      this.bytes.add(-bytes);
      done();
    }
  }

  #listen(): void {
    if (this.#isListening || this.#answers.length === 0) return;
    this.#isListening = true;
    void (this.link.backpressure() ?? Promise.resolve()).then(() => {
      this.#isListening = false;
      this.#send();
      this.#listen();
    });
  }

  #send(): void {
    while (this.#answers.length > 0 && !this.link.backpressure()) {
      const { response, bytes, done } = this.#answers.shift()!;
      this.#sum -= bytes;
      this.bytes.add(-bytes);
      try {
        void this.link.send(response);
        done();
      } catch (thrown) {
        done({ thrown });
      }
    }
  }
}

/** The answer to a call that does not begin, or whose answer has no space. It is not logged. */
export function refusalOf(
  { channel, request }: Pick<OutgoingResponse, 'channel' | 'request'>,
  error: unknown,
  activityId: string,
): OutgoingResponse {
  return prepareResponse(channel, request, encodeIpcError(error, encodeError(error, activityId)), 'error');
}

/** Encodes an answer, because its value may change before it is sent. */
function sizeOf({ data }: OutgoingResponse): number {
  const { json = '', parts } = data.encode();
  return parts.reduce((sum, { byteLength }) => sum + byteLength, json.length);
}
