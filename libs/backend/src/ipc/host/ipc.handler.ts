import type { IpcChannelLike } from '@linnet/common';
import { currentHost } from './host.registry.js';

/**
 * Base class of handlers in the style of iTwin.js, which say their channel by themselves. Provide the class with
 * `@IpcChannel()`, or register it by hand.
 *
 * ```ts
 * class MyHandler extends IpcHandler implements MyInterface {
 *   get channelName() { return 'my-interface-v1.2'; }
 *   async sayHello(name: string) { return `hello: ${name}`; }
 * }
 * MyHandler.register();
 * ```
 */
export abstract class IpcHandler {
  /** The channel that the class answers; asked before there is an instance where each session has its own. */
  abstract get channelName(): IpcChannelLike;

  /**
   * Makes an instance and has it answer its channel, without anything of Nest around its methods. It replaces the
   * handler that was registered for the channel before.
   *
   * @returns a function that removes it
   * @throws Error unless exactly one application with `IpcModule` lives; see `IpcHost.register`
   */
  static register(this: new () => IpcHandler): () => void {
    return currentHost().register(new this());
  }
}
