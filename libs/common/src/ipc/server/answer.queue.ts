import { TransientError } from '../../error/imodel.error.js';
import { encodeError } from '../../error/error.codec.js';
import { encodeIpcError } from './error.codec.js';
import type { SessionBytes } from '../message/session.bytes.js';
import type { IpcSessionLink } from '../message/link.js';
import { prepareResponse } from '../message/outgoing.message.js';
import type { OutgoingMessage } from '../message/outgoing.message.js';

const TOO_MUCH = 'Too many bytes of answers wait until this frontend has taken those before.';

/** The part of the bytes that may wait from which on calls wait: those that run already have answers, too. */
const ENOUGH = 8;

interface Answer {
  response: OutgoingMessage;
  bytes: number;
  /** Nobody waits for it any more, or it is sent. */
  readonly done: () => void;
}

/** The answers of a session that wait until its frontend has taken what was sent before, in the order in which they came. */
export class AnswerQueue {
  readonly #answers: Answer[] = [];
  /** Bytes of all of them. */
  #sum = 0;
  #isListening = false;

  /** @param limit how many bytes may wait */
  constructor(
    private readonly link: Pick<IpcSessionLink, 'send' | 'room'>,
    private readonly bytes: SessionBytes,
    private readonly limit: number,
  ) {}

  /** Whether so much waits that further calls had better wait as well, and make no answers that do. */
  get isMuch(): boolean {
    return this.#sum > this.limit / ENOUGH;
  }

  /** Whether an answer has to wait: for room, or for its turn. */
  get mustWait(): boolean {
    return this.#answers.length > 0 || this.link.room() !== undefined;
  }

  /**
   * Keeps an answer until it can be sent.
   *
   * Where room to keep it is lacking, an error is sent in its place.
   *
   * @param activityId for the error
   * @param done called when it was sent, or nobody waits for it any more
   * @throws NumberedError for a value that cannot be sent
   */
  add(response: OutgoingMessage, activityId: string, done: () => void): void {
    const answer = { response, bytes: sizeOf(response), done };
    // Before it is counted: that may end the session, and with it what waits.
    this.#answers.push(answer);
    if (!this.bytes.take(answer.bytes)) {
      answer.response = refusalOf(response, new TransientError(TOO_MUCH), activityId);
      answer.bytes = sizeOf(answer.response);
      this.bytes.add(answer.bytes);
    }
    this.#sum += answer.bytes;
    this.#listen();
  }

  /** Nobody waits for answers any more. */
  clear(): void {
    for (const { bytes, done } of this.#answers.splice(0)) {
      this.bytes.add(-bytes);
      done();
    }
  }

  #listen(): void {
    if (this.#isListening || this.#answers.length === 0) return;
    this.#isListening = true;
    void (this.link.room() ?? Promise.resolve()).then(() => {
      this.#isListening = false;
      this.#send();
      this.#listen();
    });
  }

  #send(): void {
    while (this.#answers.length > 0 && !this.link.room()) {
      const { response, bytes, done } = this.#answers.shift()!;
      this.#sum -= bytes;
      this.bytes.add(-bytes);
      done();
      void this.link.send(response);
    }
  }
}

/** The answer to a call that is not made, or whose answer is not kept: its caller's bad luck, and nothing for the log. */
export function refusalOf(
  { channel, request = 0 }: Pick<OutgoingMessage, 'channel' | 'request'>,
  error: unknown,
  activityId: string,
): OutgoingMessage {
  return prepareResponse(channel, request, encodeIpcError(error, encodeError(error, activityId)), 'error');
}

/** Makes of an answer what is sent: the value may be another by then. */
function sizeOf({ data }: OutgoingMessage): number {
  const { json = '', parts } = data.encode();
  return parts.reduce((sum, { byteLength }) => sum + byteLength, json.length);
}
