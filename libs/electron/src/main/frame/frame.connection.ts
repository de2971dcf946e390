import type { ElectronContents, ElectronFrame } from '../electron/electron.types.js';

/** The connection of the page in one frame, on either wire. */
export abstract class FrameConnection {
  /**
   * @param isOurs whether a frame shows a page of the application; may throw for one that is gone, as Electron does
   * @param closed it is over, whoever has ended it
   */
  constructor(
    readonly contents: ElectronContents,
    readonly frame: ElectronFrame,
    private readonly isOurs: (frame: ElectronFrame) => boolean,
    protected readonly closed: (connection: FrameConnection) => void,
  ) {}

  /** Whether the frame shows a page of the application. A frame stays the same one if it shows another page. */
  get isReachable(): boolean {
    try {
      return !this.contents.isDestroyed() && this.isOurs(this.frame);
    } catch {
      return false;
    }
  }

  /** Ends the connection of a page that is there. */
  abstract dismiss(code: number, reason: string): void;

  /** Ends the connection of a page that is gone. */
  abstract end(code: number, reason: string): void;
}
