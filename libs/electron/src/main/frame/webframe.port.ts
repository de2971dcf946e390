import type { MessagePortLike } from '@linnet/common';
import { closeFrame } from '@linnet/common/internal';
import type { BridgeChannel } from '../../bridge.js';
import { FrameConnection } from './frame.connection.js';

export const channel: BridgeChannel = 'linnet-ipc';

/** The connection of one page as a message port. */
export class FramePort extends FrameConnection implements MessagePortLike {
  #receive: ((message: unknown) => void) | undefined;

  /** @param name its name in the page: another page in the same frame ignores its messages */
  constructor(
    readonly name: string,
    ...frame: ConstructorParameters<typeof FrameConnection>
  ) {
    super(...frame);
  }

  postMessage(message: unknown): void {
    // Electron reports frames that navigate, but not frames that are removed from their page.
    if (this.isReachable) this.frame.send(channel, [this.name, message]);
    else this.end(1001, 'The page was left.');
  }

  on(type: string, listener: (message: unknown) => void): void {
    if (type === 'message') this.#receive = listener;
  }

  start(): void {
    // Nothing arrives before a listener is added.
  }

  close(): void {
    this.#receive = undefined;
    this.closed(this);
  }

  /** Delivers a message of the page. */
  receive(frame: unknown): void {
    this.#receive?.(frame);
  }

  dismiss(code: number, reason: string): void {
    // eslint-disable-next-line unicorn/require-post-message-target-origin -- the receiver is not a window
    this.postMessage(closeFrame(code, reason));
    this.end(code, reason);
  }

  /** The page is gone, and has sent no end. */
  end(code: number, reason: string): void {
    this.receive(closeFrame(code, reason));
    this.close();
  }
}
