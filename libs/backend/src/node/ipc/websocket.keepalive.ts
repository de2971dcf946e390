import type { Socket } from 'node:net';
import { WebSocket } from 'ws';

/** Finds out whether the peer of a WebSocket is still there. */
export class WebSocketKeepalive {
  #asked: Promise<boolean> | undefined;
  /** Of the peer's life, when it was last asked for some. */
  #lastSigns = '';

  constructor(
    private readonly webSocket: WebSocket,
    private readonly socket: Socket,
  ) {}

  /**
   * Asks the peer for a sign of life.
   *
   * @param isRead whether anything that it sends would be seen
   * @returns whether there was one since the last time
   */
  beat(isRead: boolean): boolean {
    // A stream that counts no bytes gives none, either.
    const isUnread = !isRead || this.socket.bytesRead === undefined;
    const signs = this.#signs();
    const alive = isUnread || signs !== this.#lastSigns;
    this.#lastSigns = isUnread ? '' : signs;
    if (alive) this.webSocket.ping();
    return alive;
  }

  /** Asks the peer for a sign of life, and waits for it. */
  isAlive(timeoutMs: number): Promise<boolean> {
    // Many may ask at once; one ping answers them all.
    this.#asked ??= this.#ask(timeoutMs).finally(() => (this.#asked = undefined));
    return this.#asked;
  }

  async #ask(timeoutMs: number): Promise<boolean> {
    const signs = this.#signs();
    this.webSocket.ping();
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.webSocket.off('pong', done).off('close', done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.webSocket.on('pong', done).on('close', done);
    });
    return this.webSocket.readyState === WebSocket.OPEN && this.#signs() !== signs;
  }

  /** Changes when the peer sends something, or takes something of what waits for it: a slow peer is not read. */
  #signs(): string {
    const { bytesRead, bytesWritten, writableLength } = this.socket;
    if (writableLength === 0) return `${bytesRead}`;
    // All that waits may be one write, of which the system knows how much is left; Node's own timeouts ask it, too.
    const { _handle: handle } = this.socket as { _handle?: { writeQueueSize?: number } | null };
    return `${bytesRead} ${bytesWritten - writableLength} ${handle?.writeQueueSize}`;
  }
}
