import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { writeQueueSize } from '../http/node.internals.js';

/** Notices that the peer of a WebSocket is gone. */
export class WebSocketKeepalive {
  #pending: Promise<boolean> | undefined;
  /** The signs of life at the time of the last request. */
  #lastSigns = '';

  constructor(
    private readonly webSocket: WebSocket,
    private readonly socket: Socket,
  ) {}

  /**
   * Requests a sign of life from the peer.
   *
   * @param isRead whether frames of the peer are read at all
   * @returns whether one came since the last call
   */
  beat(isRead: boolean): boolean {
    // A stream that counts no bytes shows none, either.
    const isUnread = !isRead || this.socket.bytesRead === undefined;
    const signs = this.#signs();
    const alive = isUnread || signs !== this.#lastSigns;
    this.#lastSigns = isUnread ? '' : signs;
    if (alive) this.webSocket.ping();
    return alive;
  }

  /** Requests a sign of life from the peer, and waits for it. */
  isAlive(timeoutMs: number): Promise<boolean> {
    // One ping serves all callers of one time.
    this.#pending ??= this.#request(timeoutMs).finally(() => (this.#pending = undefined));
    return this.#pending;
  }

  async #request(timeoutMs: number): Promise<boolean> {
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

  /** Changes when the peer sends bytes, or takes bytes that wait for it: a slow peer is not read. */
  #signs(): string {
    const { bytesRead, bytesWritten, writableLength } = this.socket;
    if (writableLength === 0) return `${bytesRead}`;
    // All waiting bytes may be one write, of which the system has sent a part.
    return `${bytesRead} ${bytesWritten - writableLength} ${writeQueueSize(this.socket)}`;
  }
}
