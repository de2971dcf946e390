import { onAbort } from '../../base/abort.js';
import { later } from '../../base/timer.js';
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
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        unfollow();
        settle();
      };
      const fail = (error: unknown) => {
        if (this.#waiting.delete(reply)) end(() => reject(error));
      };
      const where = `on "${fromWireChannel(name)}" within ${timeoutMs} ms`;
      const timer = later(timeoutMs, () => fail(new Error(`The frontend did not answer ${where}.`)));
      const unfollow = onAbort(signal, fail);
      this.#waiting.set(reply, {
        resolve: (answer) => end(() => resolve(answer)),
        reject: (error) => end(() => reject(error)),
      });
      try {
        send();
      } catch (error) {
        fail(error);
      }
    });
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

  /** Rejects all calls. */
  end(error: unknown): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
