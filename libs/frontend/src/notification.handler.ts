import type { IpcChannelLike } from '@linnet/common';
import { methodOf } from './handler.methods.js';
import { IpcApp } from './ipc.app.js';

/**
 * Base class of classes whose methods are called by the backend's notifications, as iTwin.js has it.
 *
 * ```ts
 * class RobotHandler extends NotificationHandler implements RobotNotifications {
 *   get channelName() { return 'robot-v1.2'; }
 *   moved(robotId: string, position: Position) { … }
 * }
 * RobotHandler.register();
 * ```
 */
export abstract class NotificationHandler {
  /** The channel whose notifications it gets. */
  abstract get channelName(): IpcChannelLike;

  /** Makes an instance and registers its methods. @returns a function that removes them */
  static register(this: new () => NotificationHandler): () => void {
    const handler = new this();
    return IpcApp.addListener(handler.channelName, (_event, method: unknown, ...args: unknown[]) =>
      // A notification without a method to receive it is not an error.
      methodOf(handler, NotificationHandler.prototype, method)?.(...args),
    );
  }
}
