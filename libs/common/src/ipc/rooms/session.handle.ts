import { isStreaming, channelName, wireChannel } from '../channel/channel.js';
import type { IpcChannelLike } from '../channel/channel.js';
import { makeNotifier } from '../channel/notifier.js';
import { makeProxy } from '../channel/proxy.js';
import type { IpcNotifier, IpcProxy } from '../channel/proxy.js';
import { frontendAnswer } from '../dispatcher/frontend.answer.js';
import type { RemoteCallOptions, SessionRequest } from '../node/node.requests.js';

/** Sends a message or a call to a session, wherever it is. */
export type AskSession = (request: SessionRequest, options: RemoteCallOptions) => Promise<unknown>;

/**
 * A session by its id, on whichever node it is. Every call looks the session up, and rejects with a `BackplaneError` whose
 * `failure` is `absent` if it does not exist.
 */
export class IpcRemoteSession {
  constructor(
    /** The id of the session. */
    readonly id: string,
    private readonly ask: AskSession,
    private readonly options: RemoteCallOptions,
  ) {}

  /** Sends a message to the frontend. @returns resolves when the node of the session has sent it */
  async send(channel: IpcChannelLike, ...args: unknown[]): Promise<void> {
    await this.#ask('send', channel, args);
  }

  /** Typed notifications over a channel; see {@link send}. */
  notifications<Functions extends object, Notifications extends object>(
    channel: IpcChannelLike<Functions, Notifications>,
  ): IpcNotifier<Notifications> {
    return makeNotifier(channel, (...args) => this.send(channel, ...args));
  }

  /** Calls the handler of a channel in the frontend; see `IpcSession.invoke`. Rejects at the deadline, or when the signal aborts. */
  invoke(channel: IpcChannelLike, ...args: unknown[]): Promise<unknown> {
    return this.#ask('invoke', channel, args);
  }

  /** Calls a method of the `IpcHandler` of a channel in the frontend; rejects with the error that it throws. */
  async callIpcChannel(channel: IpcChannelLike, method: string, ...args: unknown[]): Promise<unknown> {
    return frontendAnswer(channel, method, await this.invoke(channel, method, ...args));
  }

  /** The methods of the `IpcHandler` of a channel in the frontend, as methods of an object here. */
  makeIpcProxy<T extends object>(channel: IpcChannelLike<T>): IpcProxy<T> {
    return makeProxy(async (method, args) => {
      if (isStreaming(channel, method))
        throw new Error(`${channelName(channel)}.${method}: a frontend cannot answer with a stream.`);
      return this.callIpcChannel(channel, method, ...args);
    });
  }

  #ask(type: SessionRequest['type'], channel: IpcChannelLike, args: unknown[]): Promise<unknown> {
    return this.ask({ session: this.id, type, channel: wireChannel(channel), args }, this.options);
  }
}
