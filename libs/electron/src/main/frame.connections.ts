import { Logger } from '@nestjs/common';
import type { MessagePortLike } from '@linnet/common';
import { closeFrame, SessionLost } from '@linnet/common/internal';
import type { ElectronContents, ElectronIpcMain, ElectronSender } from './electron.types.js';
import { channel, FramePort } from './frame.port.js';
import { onPageEnd } from './page.end.js';
import type { EndedFrames } from './page.end.js';
import type { SenderRules } from './sender.rules.js';

/** Characters of what a page calls its connection. */
const LONGEST_NAME = 64;
/** Of one window: a page may change its URL as often as it likes. */
const MOST_COMPLAINTS = 10;

/** The connections of pages to the main process: one for each frame, which ends with the page in it. */
export class FrameConnections {
  readonly #logger = new Logger('ElectronHost');
  /** By the ids of their frames. */
  readonly #ports = new Map<number, FramePort>();
  /** Windows whose pages' ends are waited for, each with how that is stopped. */
  readonly #watched = new Map<ElectronContents, () => void>();
  readonly #complaints = new WeakMap<ElectronContents, Set<string>>();

  /** @param serve is given the port of each page that connects, and the id of its `webContents` */
  constructor(
    private readonly ipcMain: ElectronIpcMain,
    private readonly rules: SenderRules,
    private readonly serve: (port: MessagePortLike, window: string) => void,
  ) {
    ipcMain.on(channel, this.#received);
  }

  /** Ends all connections, and listens no more. */
  close(): void {
    this.ipcMain.removeListener(channel, this.#received);
    for (const port of this.#ports.values()) port.dismiss(1001, 'The main process answers no more.');
    for (const stop of this.#watched.values()) stop();
    this.#watched.clear();
  }

  /** Never throws: whatever a page sends is not to end the process. */
  readonly #received = (event: ElectronSender, message: unknown): void => {
    try {
      // The last words of a page that was left.
      if (!event.senderFrame) return;
      const refusal = this.rules.refusal(event);
      if (refusal === undefined) this.#take(event, message);
      else if (!this.rules.isOthers(event.sender)) this.#complain(event.sender, refusal);
    } catch (error) {
      this.#complain(event.sender, String(error));
    }
  };

  #take({ sender, senderFrame }: ElectronSender, message: unknown): void {
    const [name, ...frames] = Array.isArray(message) ? (message as unknown[]) : [];
    if (typeof name !== 'string' || name.length > LONGEST_NAME) {
      this.#complain(sender, 'they are none of a bridge');
      return;
    }
    const frame = senderFrame!;
    const known = this.#ports.get(frame.frameTreeNodeId);
    if (frames.length === 0) {
      known?.dismiss(1001, 'Another frontend of this frame has connected.');
      // Frames that were taken out of their page: there is no event of that.
      this.#end(sender, 'The page was left.', () => false);
      const port = new FramePort(
        sender,
        frame,
        name,
        (each) => this.rules.isPageOf(each),
        (closed) => this.#forget(closed),
      );
      this.#ports.set(frame.frameTreeNodeId, port);
      this.#watch(sender);
      this.serve(port, String(sender.id));
    } else if (known?.name === name) known.receive(frames[0]);
    // A page that does not know that its connection is over: it was kept, and is shown again.
    else {
      const { code, message: reason } = new SessionLost();
      frame.send(channel, [name, closeFrame(code, reason)]);
    }
  }

  #forget(port: FramePort): void {
    for (const [id, known] of this.#ports) if (known === port) this.#ports.delete(id);
  }

  #watch(contents: ElectronContents): void {
    if (this.#watched.has(contents)) return;
    const stop = onPageEnd(contents, (reason, frames) => {
      this.#end(contents, reason, frames);
      if (contents.isDestroyed()) this.#watched.delete(contents);
    });
    this.#watched.set(contents, stop);
  }

  /** Those of frames that are gone with their page, too. */
  #end(contents: ElectronContents, reason: string, frames: EndedFrames): void {
    for (const port of this.#ports.values())
      if (port.contents === contents && (!port.isHeard || frames(port.frame))) port.end(1001, reason);
  }

  /** Once for each reason: who is refused may send as often as it likes. */
  #complain(contents: ElectronContents, reason: string): void {
    if (contents.isDestroyed()) return;
    let reasons = this.#complaints.get(contents);
    if (!reasons) this.#complaints.set(contents, (reasons = new Set()));
    if (reasons.size >= MOST_COMPLAINTS || reasons.has(reason)) return;
    reasons.add(reason);
    this.#logger.warn(`Messages of window ${contents.id} are ignored: ${reason}.`);
  }
}
