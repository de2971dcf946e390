import { waitFor } from '../../base/wait.for.js';
import { fromWireChannel } from '../channel/channel.js';
import type { NoticeMessage } from '../message/message.js';

/** A call to the frontend that waits for its reply. */
interface Waiting {
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The calls to the frontend of a session that wait for their replies. */
export class FrontendReplies {
  /** By the channel that the reply comes over. */
  readonly #waiting = new Map<string, Waiting>();
  #end: Error | undefined;

  /**
   * Makes a call, and waits for its reply.
   *
   * @param reply the channel of the reply
   * @param name the channel of the call, by its name on the wire
   * @param timeoutMs how long to wait, in milliseconds; 0: for ever
   * @param signal ends the wait
   * @param send sends the call; it may end all
   */
  wait(
    reply: string,
    name: string,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    send: () => void,
  ): Promise<unknown> {
    if (this.#end) return Promise.reject(this.#end);
    const begin = () =>
      new Promise((resolve, reject) => {
        this.#waiting.set(reply, { resolve, reject });
        send();
      });
    const where = `on "${fromWireChannel(name)}" within ${timeoutMs} ms`;
    const late = () => new Error(`The frontend did not answer ${where}.`);
    return waitFor(begin, { timeoutMs, signal, late }).finally(() => this.#waiting.delete(reply));
  }

  /** Settles the call that a message replies to. @returns whether the message is a reply */
  settle({ channel, data, refusal }: NoticeMessage): boolean {
    const waiting = this.#waiting.get(channel);
    if (!waiting) return false;
    this.#waiting.delete(channel);
    if (refusal) waiting.reject(refusal);
    else waiting.resolve(data[0]);
    return true;
  }

  /** Rejects all calls, and all later ones. */
  end(error: Error): void {
    this.#end = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
