import { IpcClosedError } from '../channel/closure.js';
import { IpcMessageType } from '../message/message.js';
import type { OutgoingMessage } from '../message/outgoing.message.js';

/** The messages that were sent without a session. The next session sends them. */
export class SendQueue {
  /** In the order of sending: calls by their numbers, other messages by themselves. */
  readonly #messages = new Map<unknown, OutgoingMessage>();
  #bytes = 0;

  constructor(private readonly bufferedBytes: number) {}

  /**
   * Keeps a message as it is now.
   *
   * @throws IpcClosedError if too much waits already; NumberedError if a value cannot be sent
   */
  add(message: OutgoingMessage): void {
    if (this.#bytes > this.bufferedBytes) {
      const reason = `More than ${this.bufferedBytes} bytes wait.`;
      throw new IpcClosedError({ code: 1013, reason, initiator: 'local' });
    }
    const size = sizeOf(message);
    this.#bytes += size;
    this.#messages.set(message.type === IpcMessageType.Invoke ? message.request : message, message);
  }

  /** Removes a call. @returns whether it was in the queue */
  remove(request: number): boolean {
    const message = this.#messages.get(request);
    if (!message) return false;
    this.#messages.delete(request);
    this.#bytes -= sizeOf(message);
    return true;
  }

  /** Removes and returns all messages. */
  take(): OutgoingMessage[] {
    const messages = [...this.#messages.values()];
    this.#messages.clear();
    this.#bytes = 0;
    return messages;
  }
}

/** The memory of a message, as an estimate. */
function sizeOf({ data }: OutgoingMessage): number {
  const { json, parts } = data.encode();
  return parts.reduce((sum, { byteLength }) => sum + byteLength, json?.length ?? 0);
}
