/** The channel of Electron's ipc that all messages take, both ways. */
export type BridgeChannel = 'linnet-ipc';

/**
 * What the preload script lets a page have of Electron, as `window.linnet`. A message is a list: the name of a connection,
 * which its page makes up, and what is sent over it, a frame of the durable wire; without a frame it opens the connection.
 */
export interface ElectronBridge {
  /** Sends a message to the main process. */
  send(message: readonly unknown[]): void;
  /** Is told the messages of the main process. @returns ends it */
  listen(listener: (message: unknown) => void): () => void;
}
