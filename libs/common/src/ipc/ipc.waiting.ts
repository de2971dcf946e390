import { IpcClosedError } from './ipc.message.js';
import type { OutgoingMessage } from './ipc.outgoing.js';

/** What was sent while there was no session: it is for the next one. */
export class WaitingMessages {
  #messages: OutgoingMessage[] = [];
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
    this.#messages.push(message);
  }

  /** Takes a call out. @returns whether it was there */
  remove(request: number): boolean {
    const at = this.#messages.findIndex((message) => message.request === request);
    if (at < 0) return false;
    this.#bytes -= sizeOf(this.#messages.splice(at, 1)[0]!);
    return true;
  }

  /** Takes all of them out. */
  take(): OutgoingMessage[] {
    const messages = this.#messages;
    this.#messages = [];
    this.#bytes = 0;
    return messages;
  }
}

/** About as much memory as it takes. */
function sizeOf({ data }: OutgoingMessage): number {
  const { json, parts } = data.encode();
  return parts.reduce((sum, { byteLength }) => sum + byteLength, json?.length ?? 0);
}
