import type { MessagePortLike } from '@linnet/common';
import { closeFrame } from '@linnet/common/internal';
import type { BridgeChannel } from '../../bridge.js';
import { FrameConnection } from './frame.connection.js';

export const channel: BridgeChannel = 'linnet-ipc';

/** The connection of one page, as a message port: what the page sends is given to it, what it is given is sent to the page. */
export class FramePort extends FrameConnection implements MessagePortLike {
  #receive: ((message: unknown) => void) | undefined;

  /** @param name what its page calls it: another page in the same frame, which may be there by now, takes no notice */
  constructor(
    readonly name: string,
    ...frame: ConstructorParameters<typeof FrameConnection>
  ) {
    super(...frame);
  }

  postMessage(message: unknown): void {
    // Electron tells of frames that navigate, but not of those that are taken out of their page.
    if (this.isHeard) this.frame.send(channel, [this.name, message]);
    else this.end(1001, 'The page was left.');
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

  dismiss(code: number, reason: string): void {
    // eslint-disable-next-line unicorn/require-post-message-target-origin -- this is no window
    this.postMessage(closeFrame(code, reason));
    this.end(code, reason);
  }

  /** The page is gone without a word: this is what it would have said. */
  end(code: number, reason: string): void {
    this.receive(closeFrame(code, reason));
    this.close();
  }
}
