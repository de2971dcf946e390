import type { StreamBody } from '../protocol/message.js';
import type { HttpCall } from './http.call.js';

/**
 * Reads the rest of a body that is a stream among the arguments of its call, while the method reads it. Never rejects.
 *
 * @param body what is left of the body
 */
export async function pumpUpload(call: HttpCall, body: StreamBody): Promise<void> {
  const upload = call.upload!;
  try {
    for (;;) {
      if (upload.isFull) await new Promise<void>((resolve) => upload.onRoom(resolve));
      if (upload.isOver) break;
      const chunk = await body.next();
      if (chunk.done) {
        call.endUpload();
        return;
      }
      call.push(chunk.value);
    }
    await body.return();
  } catch {
    call.endUpload(new Error('The client has disconnected in the middle of a stream.'));
  }
}

/** The chunks of a body. */
export function chunksOf(body: ReadableStream<Uint8Array>): StreamBody {
  const reader = body.getReader();
  return {
    async next() {
      const { done, value } = await reader.read();
      return done ? { done, value: undefined } : { done: false, value };
    },
    async return() {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}
