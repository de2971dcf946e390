/** The channel of Electron's ipc that all messages take, both ways. */
export type BridgeChannel = 'linnet-ipc';

/**
 * The part of Electron that the preload script gives a page, as `window.linnet`. A message is a list: the name of a
 * connection, which its page chooses, and a frame of the durable wire. A message without a frame opens the connection.
 */
export interface ElectronBridge {
  /** Sends a message to the main process. */
  send(message: readonly unknown[]): void;
  /** Receives the messages of the main process. @returns a function that removes the listener */
  listen(listener: (message: unknown) => void): () => void;
}

/** The argument of a page's process (`additionalArguments`) with which its preload script gives it `window.itwinjs`. */
export type ITwinArgument = '--linnet-itwinjs';

/** `window.itwinjs` for pages of core-electron (`ITwinElectronApi` there). All channels begin with `itwin.`. */
export interface ITwinBridge {
  /** Sends to the main process. */
  send(channel: string, ...args: unknown[]): void;
  /** Calls the main process. @returns what it answers */
  invoke(channel: string, ...args: unknown[]): Promise<unknown>;
  /** Receives each message of the main process. */
  addListener(channel: string, listener: ITwinListener): void;
  /** Receives the next message of the main process. */
  once(channel: string, listener: ITwinListener): void;
  /** Is there for code that calls it. */
  removeListener(channel: string, listener: ITwinListener): void;
}

/** Listens to a channel; the event has nothing in it. */
type ITwinListener = (event: unknown, ...args: unknown[]) => void;
