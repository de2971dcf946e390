import type { SessionBytes } from './ipc.bytes.js';
import type { IpcSessionLink } from './ipc.link.js';
import type { OutgoingMessage } from './ipc.outgoing.js';

interface Answer {
  response: OutgoingMessage;
  bytes: number;
  /** Nobody waits for it any more, or it is sent. */
  readonly done: () => void;
}

/** The answers of a session that wait until its frontend has taken what was sent before, in the order in which they came. */
export class WaitingAnswers {
  readonly #answers: Answer[] = [];
  #isListening = false;

  constructor(
    private readonly link: Pick<IpcSessionLink, 'send' | 'room'>,
    private readonly bytes: SessionBytes,
  ) {}

  /** Whether an answer has to wait: for room, or for its turn. */
  get mustWait(): boolean {
    return this.#answers.length > 0 || this.link.room() !== undefined;
  }

  /**
   * Keeps an answer until it can be sent.
   *
   * @param refused makes what is sent instead where there is no room to keep it; the first has always room
   * @param done called when it was sent, or nobody waits for it any more
   * @throws NumberedError for a value that cannot be sent
   */
  add(response: OutgoingMessage, refused: () => OutgoingMessage, done: () => void): void {
    const isFirst = this.#answers.length === 0;
    const answer = { response, bytes: sizeOf(response), done };
    // Before it is counted: that may end the session, and with it what waits.
    this.#answers.push(answer);
    if (isFirst) this.bytes.add(answer.bytes);
    else if (!this.bytes.take(answer.bytes)) {
      answer.response = refused();
      answer.bytes = sizeOf(answer.response);
      this.bytes.add(answer.bytes);
    }
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
      this.bytes.add(-bytes);
      done();
      void this.link.send(response);
    }
  }
}

/** Makes of an answer what is sent: the value may be another by then. */
function sizeOf({ data }: OutgoingMessage): number {
  const { json = '', parts } = data.encode();
  return parts.reduce((sum, { byteLength }) => sum + byteLength, json.length);
}
