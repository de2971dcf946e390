import type { IpcLimits } from '../../base/limits.js';
import { generalError } from '../../base/numbered.error.js';
import { IpcClosedError } from '../channel/closure.js';
import { IpcMessageType } from '../message/message.js';
import type { IpcSessionLink } from '../message/link.js';
import type { OutgoingMessage } from '../message/outgoing.message.js';

/** The messages of a frontend that wait for a session, or until the backend has taken enough of those before. */
export class SendQueue {
  /** In the order of sending: calls by their numbers, other messages by themselves. */
  readonly #messages = new Map<unknown, OutgoingMessage>();
  #bytes = 0;
  /** The link of the present session. */
  #link: IpcSessionLink | undefined;

  /** @param unsendable called with a message that has waited, and cannot be sent */
  constructor(
    private readonly limits: Pick<IpcLimits, 'bufferedBytes' | 'messageBytes'>,
    private readonly unsendable: (message: OutgoingMessage, error: unknown) => void,
  ) {}

  /**
   * Sends a message, or keeps it as it is now.
   *
   * @throws NumberedError if a value cannot be sent, or too much waits in a session; IpcClosedError if too much waits without one
   */
  send(message: OutgoingMessage): void {
    const isFirst = this.#messages.size === 0;
    if (isFirst && this.#link && !this.#link.backpressure()) {
      void this.#link.send(message);
      return;
    }
    this.#add(message);
    if (isFirst) this.#flush(this.#link);
  }

  /** A session has begun. */
  begin(link: IpcSessionLink): void {
    this.#link = link;
    this.#flush(link);
  }

  /** The session is over. The messages that have waited for space belong to it; those without a session wait for the next one. */
  end(): void {
    if (this.#link) this.clear();
    this.#link = undefined;
  }

  /** Removes a call. @returns whether it was in the queue */
  remove(request: number): boolean {
    const message = this.#messages.get(request);
    if (!message) return false;
    this.#messages.delete(request);
    this.#bytes -= sizeOf(message);
    return true;
  }

  /** Forgets all messages. */
  clear(): void {
    this.#messages.clear();
    this.#bytes = 0;
  }

  #add(message: OutgoingMessage): void {
    const { bufferedBytes, messageBytes } = this.limits;
    const size = sizeOf(message);
    // On every wire. Later there may be nobody who gets the error.
    if (size > messageBytes) message.data.tooLarge(messageBytes);
    if (this.#bytes > bufferedBytes) {
      const reason = `More than ${bufferedBytes} bytes wait.`;
      if (this.#link) throw generalError(reason);
      throw new IpcClosedError({ code: 1013, reason, initiator: 'local' });
    }
    this.#bytes += size;
    this.#messages.set(message.type === IpcMessageType.Invoke ? message.request : message, message);
  }

  /** Sends messages as far as there is space for them. */
  #flush(link: IpcSessionLink | undefined): void {
    if (!link) return;
    for (const [key, message] of this.#messages) {
      const backpressure = link.backpressure();
      if (backpressure) {
        void backpressure.then(() => {
          if (this.#link === link) this.#flush(link);
        });
        return;
      }
      this.#messages.delete(key);
      this.#bytes -= sizeOf(message);
      try {
        void link.send(message);
      } catch (error) {
        this.unsendable(message, error);
      }
    }
  }
}

/** The memory of a message, as an estimate. */
function sizeOf({ data }: OutgoingMessage): number {
  const { json, parts } = data.encode();
  return parts.reduce((sum, { byteLength }) => sum + byteLength, json?.length ?? 0);
}
