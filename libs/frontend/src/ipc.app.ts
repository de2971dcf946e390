import { IpcFrontend } from '@linnet/common';
import { makeProxy } from '@linnet/common/internal';
import type {
  IpcAddListener,
  IpcChannelLike,
  IpcClosure,
  IpcConnector,
  IpcFrontendHandler,
  IpcFrontendListener,
  IpcFrontendOptions,
  IpcInvokeOptions,
  IpcProxy,
} from '@linnet/common';

let current: IpcFrontend | undefined;

function frontend(): IpcFrontend {
  if (!current) throw new Error('IpcApp has not been started: IpcApp.startup(…).');
  return current;
}

/** The one frontend of a page, by the names of iTwin.js. For more than one: `IpcFrontend`. */
export const IpcApp = {
  /**
   * Connects to the backend.
   *
   * @param connect for instance `webSocketIpc('wss://…/ipc')`
   * @returns resolves when there is a session
   */
  async startup(connect: IpcConnector, options?: IpcFrontendOptions): Promise<void> {
    // A closed frontend, for instance one that could not start, does not prevent another try.
    if (current && current.state !== 'closed')
      throw new Error('IpcApp is already started: call IpcApp.shutdown() first.');
    current = new IpcFrontend(connect, options);
    await current.ready;
  },

  /** Ends the session. */
  shutdown(): void {
    current?.close();
    current = undefined;
  },

  /** Whether there is a session, for code that is to work with and without. */
  get isValid(): boolean {
    return current?.isValid ?? false;
  },

  /** Whether frontend and backend are known to be on one computer; see {@link IpcFrontend.isNative}. */
  get isNative(): boolean {
    return current?.isNative ?? false;
  },

  /** The frontend itself: its state, and what it was not given a name for here. */
  get frontend(): IpcFrontend {
    return frontend();
  },

  /**
   * Notifies when a session is over that this side did not end: the backend has restarted, has closed it, or stopped waiting.
   * Its calls reject. Later messages wait for the next session.
   *
   * @returns a function that removes the listener
   */
  onSessionLost(listener: (closure: IpcClosure) => void): () => void {
    const app = frontend();
    let hadSession = app.isValid;
    return app.onStateChange((_state, closure) => {
      const isLost = hadSession && !app.isValid;
      hadSession = app.isValid;
      // Only the application closes with 1000: a fault that this side finds has another code.
      const isOwn = closure?.initiator === 'local' && closure.code === 1000;
      if (isLost && closure && !isOwn) listener(closure);
    });
  },

  /** Listens to notifications of the backend; see {@link IpcFrontend.addListener}. @returns a function that removes the listener */
  addListener: ((channel: IpcChannelLike, listener: IpcFrontendListener) =>
    frontend().addListener(channel, listener)) as IpcAddListener,

  /** Removes a listener that `addListener` added. */
  removeListener(channel: IpcChannelLike, listener: IpcFrontendListener): void {
    frontend().removeListener(channel, listener);
  },

  /** Sends a message without an answer; see {@link IpcFrontend.send}. */
  send(channel: IpcChannelLike, ...data: unknown[]): void {
    frontend().send(channel, ...data);
  },

  /** Calls a channel, and gets what it answers with as it is; see {@link IpcFrontend.invoke}. */
  async invoke(channel: IpcChannelLike, method: string, ...args: unknown[]): Promise<unknown> {
    return frontend().invoke(channel, method, ...args);
  },

  /** Answers calls from the backend over a channel; see {@link IpcFrontend.handle}. @returns a function that removes the handler */
  handle(channel: IpcChannelLike, handler: IpcFrontendHandler): () => void {
    return frontend().handle(channel, handler);
  },

  /** Calls a method of the handler of a channel; rejects with what it throws. */
  async callIpcChannel(channel: IpcChannelLike, method: string, ...args: unknown[]): Promise<unknown> {
    return frontend().callIpcChannel(channel, method, ...args);
  },

  /** The methods of the backend's handler for a channel, to be called as if they were here. */
  makeIpcProxy<T extends object>(channel: IpcChannelLike, options?: IpcInvokeOptions): IpcProxy<T> {
    return frontend().makeIpcProxy<T>(channel, options);
  },

  /**
   * The methods behind one method of a handler, which takes their names first:
   * `makeIpcFunctionProxy<RobotIpc>('fleet', 'robot').drive(1)` calls `robot('drive', 1)` of the handler.
   */
  makeIpcFunctionProxy<T extends object>(channel: IpcChannelLike, functionName: string): IpcProxy<T> {
    return makeProxy((method, args) => frontend().callIpcChannel(channel, functionName, method, ...args));
  },
};
