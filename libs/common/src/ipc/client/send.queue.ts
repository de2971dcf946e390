import { IpcClosedError } from '../message/message.js';
import type { OutgoingMessage } from '../message/outgoing.message.js';

/** What was sent while there was no session: it is for the next one. */
export class SendQueue {
  /** In the order of sending: calls by their numbers, other messages by themselves. */
  readonly #messages = new Map<unknown, OutgoingMessage>();
  #bytes = 0;

  constructor(private readonly bufferedBytes: number) {}

  /**
   * Keeps a message as it is now.
   *
   * @throws IpcClosedError where too much waits already; NumberedError for a value that cannot be sent
   */
  add(message: OutgoingMessage): void {
    if (this.#bytes > this.bufferedBytes) {
      const reason = `More than ${this.bufferedBytes} bytes wait.`;
      throw new IpcClosedError({ code: 1013, reason });
    }
    const size = sizeOf(message);
    this.#bytes += size;
    this.#messages.set(message.request ?? message, message);
  }

  /** Takes a call out. @returns whether it was there */
  remove(request: number): boolean {
    const message = this.#messages.get(request);
    if (!message) return false;
    this.#messages.delete(request);
    this.#bytes -= sizeOf(message);
    return true;
  }

  /** Takes all of them out. */
  take(): OutgoingMessage[] {
    const messages = [...this.#messages.values()];
    this.#messages.clear();
    this.#bytes = 0;
    return messages;
  }
}

/** About as much memory as it takes. */
function sizeOf({ data }: OutgoingMessage): number {
  const { json, parts } = data.encode();
  return parts.reduce((sum, { byteLength }) => sum + byteLength, json?.length ?? 0);
}
