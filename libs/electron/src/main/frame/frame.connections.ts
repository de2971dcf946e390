import { Logger } from '@nestjs/common';
import type { ElectronContents, ElectronFrame } from '../electron/electron.types.js';
import type { FrameConnection } from './frame.connection.js';
import { onPageClosed } from './page.lifecycle.js';
import type { EndedFrames } from './page.lifecycle.js';
import type { SenderPolicy } from './sender.policy.js';

/** Most warnings for one window: a page may change its URL as often as it likes. */
const MAX_WARNINGS = 10;

/** The connections of pages to the main process, on both wires: one for each frame, which ends with the page in it. */
export class FrameConnections {
  readonly #logger = new Logger('ElectronHost');
  /** By the ids of their frames. */
  readonly #connections = new Map<number, FrameConnection>();
  /** Windows whose pages' ends are waited for, each with how that is stopped. */
  readonly #watched = new Map<ElectronContents, () => void>();
  readonly #warnings = new WeakMap<ElectronContents, Set<string>>();

  constructor(private readonly rules: SenderPolicy) {}

  /** Ends all connections, and waits for no page any more. */
  close(): void {
    for (const connection of this.#connections.values())
      connection.dismiss(1001, 'The main process has ended the connection.');
    for (const stop of this.#watched.values()) stop();
    this.#watched.clear();
  }

  /** The connection of a frame. */
  of({ frameTreeNodeId }: ElectronFrame): FrameConnection | undefined {
    return this.#connections.get(frameTreeNodeId);
  }

  /** Adds the connection of a frame that has none, made of what a connection needs to know. */
  add<Connection extends FrameConnection>(
    contents: ElectronContents,
    frame: ElectronFrame,
    make: (...frame: ConstructorParameters<typeof FrameConnection>) => Connection,
  ): Connection {
    // Frames that were taken out of their page: Electron does not have an event for that.
    this.#end(contents, 'The page was left.', () => false);
    const connection = make(
      contents,
      frame,
      (each) => this.rules.isPageOf(each),
      (closed) => this.#forget(closed),
    );
    this.#connections.set(frame.frameTreeNodeId, connection);
    this.#watch(contents);
    return connection;
  }

  /** Logs why messages of a window are ignored, once for each reason: a page may send as often as it likes. */
  reportIgnored(contents: ElectronContents, reason: string): void {
    if (contents.isDestroyed()) return;
    let reasons = this.#warnings.get(contents);
    if (!reasons) this.#warnings.set(contents, (reasons = new Set()));
    if (reasons.size >= MAX_WARNINGS || reasons.has(reason)) return;
    reasons.add(reason);
    this.#logger.warn(`Messages of window ${contents.id} are ignored: ${reason}.`);
  }

  #forget(connection: FrameConnection): void {
    for (const [id, known] of this.#connections) if (known === connection) this.#connections.delete(id);
  }

  #watch(contents: ElectronContents): void {
    if (this.#watched.has(contents)) return;
    const stop = onPageClosed(contents, (reason, frames) => {
      this.#end(contents, reason, frames);
      if (contents.isDestroyed()) this.#watched.delete(contents);
    });
    this.#watched.set(contents, stop);
  }

  /** Ends connections of frames, also of frames that are gone with their page. */
  #end(contents: ElectronContents, reason: string, frames: EndedFrames): void {
    for (const connection of this.#connections.values())
      if (connection.contents === contents && (!connection.isReachable || frames(connection.frame)))
        connection.end(1001, reason);
  }
}
