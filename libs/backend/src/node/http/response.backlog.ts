import type { ServerResponse } from 'node:http';
import type { HttpResponse } from '@linnet/common';
import { MIN_UNSENT_BYTES } from '@linnet/common/internal';
import type { UnsentAnswers, UnsentBytes } from '@linnet/common/internal';
import { lengthOf } from './response.writer.js';

/** Counts the bytes of responses that their clients have not read yet. Streams count theirs by themselves. */
export class ResponseBacklog {
  readonly #waiting = new Map<ServerResponse, UnsentBytes>();

  constructor(private readonly unsent: UnsentAnswers) {}

  /** Counts a response that was written, until it is {@link sent}. Above the limit the connection with the most bytes is closed. */
  add(response: ServerResponse, { body }: HttpResponse): void {
    if (typeof body === 'string' && body.length < MIN_UNSENT_BYTES / 4) return;
    const bytes = lengthOf(body);
    if (bytes < MIN_UNSENT_BYTES || response.writableFinished || response.destroyed) return;
    const { socket } = response.req;
    const cut = () => {
      this.sent(response);
      socket.destroy();
    };
    const waiting = this.unsent.of({ cut }, socket.remoteAddress);
    this.#waiting.set(response, waiting);
    waiting.count(bytes);
  }

  /** A response has been read, or its connection is over. */
  sent(response: ServerResponse): void {
    if (this.#waiting.size === 0) return;
    this.#waiting.get(response)?.count(0);
    this.#waiting.delete(response);
  }
}
