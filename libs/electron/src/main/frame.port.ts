import type { MessagePortLike } from '@linnet/common';
import type { BridgeChannel } from '../bridge.js';
import type { ElectronContents, ElectronFrame } from './electron.types.js';

export const channel: BridgeChannel = 'linnet-ipc';

/** What ends a connection, as message ports say it. */
export function closeFrame(code: number, reason: string): unknown[] {
  return ['close', code, reason];
}

/** The connection of one page, as a message port: what the page sends is given to it, what it is given is sent to the page. */
export class FramePort implements MessagePortLike {
  #receive: ((message: unknown) => void) | undefined;

  /**
   * @param name what its page calls it: another page in the same frame, which may be there by now, takes no notice
   * @param closed it is over, whoever has ended it
   */
  constructor(
    readonly contents: ElectronContents,
    readonly frame: ElectronFrame,
    readonly name: string,
    private readonly closed: (port: FramePort) => void,
  ) {}

  postMessage(message: unknown): void {
    this.#send(message);
  }

  on(type: string, listener: (message: unknown) => void): void {
    if (type === 'message') this.#receive = listener;
  }

  start(): void {
    // Nothing comes before there is a listener.
  }

  close(): void {
    this.#receive = undefined;
    this.closed(this);
  }

  /** Hands over what the page has sent. */
  receive(frame: unknown): void {
    this.#receive?.(frame);
  }

  /** Ends the connection of a page that is there. */
  dismiss(code: number, reason: string): void {
    this.#send(closeFrame(code, reason));
    this.end(code, reason);
  }

  /** The page is gone without a word: this is what it would have said. */
  end(code: number, reason: string): void {
    this.receive(closeFrame(code, reason));
    this.close();
  }

  #send(message: unknown): void {
    // Electron writes to the console what it cannot send. Who is gone is learned by events.
    if (this.contents.isDestroyed() || this.frame.isDestroyed?.()) return;
    this.frame.send(channel, [this.name, message]);
  }
}
