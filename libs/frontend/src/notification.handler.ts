import type { IpcChannelLike } from '@linnet/common';
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

  /** Makes an instance and has it listen. @returns stops listening */
  static register(this: new () => NotificationHandler): () => void {
    const handler = new this();
    return IpcApp.addListener(handler.channelName, (_event, method: unknown, ...args: unknown[]) => {
      const listed = typeof method === 'string' && isMethod(handler, method);
      // A notification that nobody is interested in is none of an error.
      if (listed) (handler as unknown as Record<string, (...args: unknown[]) => void>)[method]!(...args);
    });
  }
}

/** Methods of the handler's own classes, not what every object has. */
function isMethod(handler: object, name: string): boolean {
  for (
    let level = Object.getPrototypeOf(handler) as object;
    level !== NotificationHandler.prototype && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object
  )
    if (name !== 'constructor' && Object.hasOwn(level, name)) {
      return typeof Object.getOwnPropertyDescriptor(level, name)!.value === 'function';
    }
  return false;
}
