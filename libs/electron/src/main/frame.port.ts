import type { MessagePortLike } from '@linnet/common';
import { closeFrame } from '@linnet/common/internal';
import type { BridgeChannel } from '../bridge.js';
import type { ElectronContents, ElectronFrame } from './electron.types.js';

export const channel: BridgeChannel = 'linnet-ipc';

/** The connection of one page, as a message port: what the page sends is given to it, what it is given is sent to the page. */
export class FramePort implements MessagePortLike {
  #receive: ((message: unknown) => void) | undefined;

  /**
   * @param name what its page calls it: another page in the same frame, which may be there by now, takes no notice
   * @param isOurs whether a frame shows a page of the application; may throw for one that is gone, as Electron does
   * @param closed it is over, whoever has ended it
   */
  constructor(
    readonly contents: ElectronContents,
    readonly frame: ElectronFrame,
    readonly name: string,
    private readonly isOurs: (frame: ElectronFrame) => boolean,
    private readonly closed: (port: FramePort) => void,
  ) {}

  /** Whether there is somebody to send to. A frame is the same one when it shows another page. */
  get isHeard(): boolean {
    try {
      return !this.contents.isDestroyed() && this.isOurs(this.frame);
    } catch {
      return false;
    }
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

  /** Ends the connection of a page that is there. */
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
