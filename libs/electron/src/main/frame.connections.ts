import { Logger } from '@nestjs/common';
import type { MessagePortLike } from '@linnet/common';
import type { ElectronContents, ElectronIpcMain, ElectronSender } from './electron.types.js';
import { channel, closeFrame, FramePort } from './frame.port.js';
import type { SenderRules } from './sender.rules.js';

/** What Chromium says of a page that is not left after all: a download, an answer without content. */
const ERR_ABORTED = -3;
/** As long as no name of ours. */
const LONGEST_NAME = 64;

/** The connections of pages to the main process: one for each frame, which ends with the page in it. */
export class FrameConnections {
  readonly #logger = new Logger('ElectronHost');
  /** By the frames' ids. */
  readonly #ports = new Map<number, FramePort>();
  /** Contents whose end is waited for, each with how that is undone. */
  readonly #watched = new Map<ElectronContents, () => void>();
  readonly #complained = new WeakMap<ElectronContents, Set<string>>();

  /** @param serve is given the port of each page that connects, and the name of its window */
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
    const [code, reason] = [1001, 'The main process answers no more.'] as const;
    for (const port of this.#ports.values()) {
      port.postMessage(closeFrame(code, reason));
      port.end(code, reason);
    }
    for (const unwatch of this.#watched.values()) unwatch();
  }

  /** Never throws: what a page sends is not to end the process. */
  readonly #received = (event: ElectronSender, message: unknown): void => {
    try {
      // The last words of a page that is left.
      if (!event.senderFrame) return;
      const refusal = this.rules.refusal(event);
      if (refusal === undefined) this.#take(event, message);
      else this.#complain(event.sender, refusal);
    } catch (error) {
      this.#complain(event.sender, String(error));
    }
  };

  #take({ sender, senderFrame }: ElectronSender, message: unknown): void {
    const [name, ...frames] = Array.isArray(message) ? (message as unknown[]) : [];
    if (typeof name !== 'string' || name.length > LONGEST_NAME) {
      this.#complain(sender, 'its messages are none of ours');
      return;
    }
    const frame = senderFrame!;
    const known = this.#ports.get(frame.frameTreeNodeId);
    if (frames.length === 0) {
      known?.end(1001, 'Another page has connected.');
      const port = new FramePort(sender, frame, name, (closed) => this.#forget(closed));
      this.#ports.set(frame.frameTreeNodeId, port);
      this.#watch(sender);
      this.serve(port, String(sender.id));
    } else if (known?.name === name) known.receive(frames[0]);
    // What a page has sent before it was left, or knows nothing of its end.
    else frame.send(channel, [name, closeFrame(4001, 'The session is not there any more.')]);
  }

  #forget(port: FramePort): void {
    const { frameTreeNodeId } = port.frame;
    if (this.#ports.get(frameTreeNodeId) === port) this.#ports.delete(frameTreeNodeId);
  }

  #watch(contents: ElectronContents): void {
    if (this.#watched.has(contents)) return;
    const end = (code: number, reason: string) => {
      for (const port of this.#ports.values()) if (port.contents === contents) port.end(code, reason);
    };
    const events: Record<string, (...args: never[]) => void> = {
      'did-navigate': () => end(1001, 'The page was left.'),
      // A page that could not be loaded is one that says so: nothing else tells of it.
      'did-fail-load': (_event: unknown, error: number, _text: unknown, _url: unknown, isMainFrame: boolean) => {
        if (isMainFrame && error !== ERR_ABORTED) end(1001, 'The page was left.');
      },
      'render-process-gone': (_event: unknown, { reason }: { reason: string }) =>
        end(1006, `The page's process is gone: ${reason}.`),
      destroyed: () => {
        end(1001, 'The window was closed.');
        this.#watched.delete(contents);
      },
    };
    for (const [event, listener] of Object.entries(events)) contents.on(event, listener);
    this.#watched.set(contents, () => {
      if (contents.isDestroyed()) return;
      for (const [event, listener] of Object.entries(events)) contents.removeListener(event, listener);
    });
  }

  /** Once for each reason: who is refused may send as often as it likes. */
  #complain(contents: ElectronContents, reason: string): void {
    let reasons = this.#complained.get(contents);
    if (!reasons) this.#complained.set(contents, (reasons = new Set()));
    if (reasons.size >= MOST_COMPLAINTS || reasons.has(reason)) return;
    reasons.add(reason);
    this.#logger.warn(`Messages of window ${contents.id} are ignored: ${reason}.`);
  }
}

/** Of one window. A page may change its URL as often as it likes, too. */
const MOST_COMPLAINTS = 10;
