import { leaveItems } from '../../stream/reading.js';
import type { HttpResponse, StreamBody } from '../protocol/message.js';
import type { HttpCall } from './http.call.js';

/**
 * Reads a body until it is complete, or until its call can begin while a stream among the arguments arrives.
 *
 * @returns an answer that does not need the rest of the body, or a function for the end of the call
 */
export async function receiveBody(call: HttpCall, body: StreamBody): Promise<HttpResponse | (() => void)> {
  for (let piece = await body.next(); !piece.done; piece = await body.next()) {
    const refusal = call.push(piece.value);
    if (refusal) {
      // Also stops a decompressor: the rest may be a thousand times larger.
      leaveItems(body);
      return refusal;
    }
    if (call.upload) return pumpUpload(call, body);
  }
  return () => undefined;
}

/**
 * Reads the rest of a body that is a stream among the arguments of its call, while the method reads it.
 *
 * @param body what is left of the body
 * @returns a function for the end of the call: the rest of the body is not read
 */
function pumpUpload(call: HttpCall, body: StreamBody): () => void {
  let isRead = false;
  void pump(call, body).then(() => (isRead = true));
  return () => {
    if (isRead) return;
    call.endUpload(new Error('The call is over.'));
    leaveItems(body);
  };
}

/** Never rejects. */
async function pump(call: HttpCall, body: StreamBody): Promise<void> {
  const upload = call.upload!;
  try {
    for (;;) {
      if (upload.isFull) await new Promise<void>((resolve) => upload.onSpace(resolve));
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
