import type { OpenCall } from '../dispatcher/unanswered.calls.js';
import { IpcMessageType } from '../message/message.js';
import type { IpcMessage } from '../message/message.js';
import type { OutgoingMessage } from '../message/outgoing.message.js';

/** The calls of a session that are not answered, as its messages show them. */
export class TrackedCalls {
  readonly #open = new Map<number, OpenCall>();

  get open(): OpenCall[] {
    return [...this.#open.values()];
  }

  /** A message of the frontend. */
  arrived(message: IpcMessage): void {
    if (message.type === IpcMessageType.Invoke) {
      const { request, channel } = message;
      this.#open.set(request, { request, channel, isStream: false });
    } else if (isCancellation(message)) this.#open.delete(message.request);
  }

  /** A message of the frontend does not count: it comes again. */
  dropped(message: IpcMessage): void {
    if (message.type === IpcMessageType.Invoke) this.#open.delete(message.request);
  }

  /** A message to the frontend: a call is answered with its response, or with the end of the stream that is its result. */
  sent(message: OutgoingMessage): void {
    if (message.type === IpcMessageType.Response) this.#open.delete(message.request);
    else if (message.type === IpcMessageType.StreamEnd && message.slot === 0)
      this.#open.delete(message.request);
    else if (message.type === IpcMessageType.Item && message.slot === 0) {
      const call = this.#open.get(message.request);
      if (call && !call.isStream) this.#open.set(call.request, { ...call, isStream: true });
    }
  }
}

/** Whether the frontend waits for a call no longer. It leaves a stream by taking nothing more of it. */
function isCancellation(message: IpcMessage): message is IpcMessage & { readonly request: number } {
  if (message.type === IpcMessageType.Cancel) return true;
  return message.type === IpcMessageType.Taken && message.slot === 0 && message.items === undefined;
}
