import type { IpcChannelLike, NumberedError } from '@linnet/common';
import { channelName, checkArgumentsOf, wireNameOf } from '@linnet/common/internal';
import { methodOf } from './handler.methods.js';
import { IpcApp } from './ipc.app.js';

/**
 * Base class of classes whose methods the backend calls (`session.makeIpcProxy`). An error that a method throws is thrown
 * in the backend, with its members.
 *
 * ```ts
 * class DialogHandler extends IpcHandler implements DialogIpc {
 *   get channelName() { return 'dialog-v1'; }
 *   async ask(question: string) { return confirm(question); }
 * }
 * DialogHandler.register();
 * ```
 */
export abstract class IpcHandler {
  /** The channel whose calls it answers. */
  abstract get channelName(): IpcChannelLike;

  /** Makes an instance and has it answer, in the place of the one before on its channel. @returns a function that removes it */
  static register(this: new () => IpcHandler): () => void {
    const handler = new this();
    return IpcApp.handle(handler.channelName, async (method: unknown, ...args: unknown[]) => {
      const called = methodOf(handler, IpcHandler.prototype, method);
      if (!called) return { error: notFound(`${this.name}.${String(method)}`, handler.channelName) };
      try {
        await checkArgumentsOf(handler.channelName, String(method), args);
        return { result: await called(...args) };
      } catch (thrown) {
        return { error: serializeThrown(thrown) };
      }
    });
  }
}

/** As the reference says it: 65606 is `IModelStatus.FunctionNotFound`. */
function notFound(method: string, channel: IpcChannelLike): object {
  const message = `Method "${method}" not found on IpcHandler registered for channel: ${channelName(channel)}`;
  const name = 'Error (65606)';
  return { errorNumber: 65606, name, message, iTwinErrorId: { scope: 'bentley-error', key: name } };
}

/** The form of an error that is sent: its members, and text for members without a JSON form. */
function serializeThrown(thrown: unknown): unknown {
  if (thrown instanceof Error) {
    const { name, message, iTwinErrorId, hasMetaData, loggingMetadata } = thrown as Partial<NumberedError>;
    // Errors of core-bentley keep their metadata in `_metaData`; the getters report it.
    const { _metaData, ...members } = Object.fromEntries(Object.entries(thrown)) as Record<string, unknown>;
    const identity = { ...(iTwinErrorId && { iTwinErrorId }), ...(hasMetaData && { loggingMetadata }) };
    return { ...members, ...identity, name: wireNameOf(thrown, name), message };
  }
  const isPlain = ['object', 'string', 'number', 'boolean'].includes(typeof thrown);
  return isPlain ? thrown : { message: String(thrown) };
}
