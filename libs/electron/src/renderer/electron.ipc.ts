import { messagePortIpc } from '@linnet/common';
import type { IpcConnector, MessagePortLike } from '@linnet/common';
import type { ElectronBridge } from '../bridge.js';

/** The bridge of the preload script; `undefined` in a page outside a window of Electron. */
export function electronBridge(): ElectronBridge | undefined {
  const { linnet } = globalThis as { linnet?: Partial<ElectronBridge> };
  // Any page may have something of that name.
  return typeof linnet?.send === 'function' && typeof linnet.listen === 'function'
    ? (linnet as ElectronBridge)
    : undefined;
}

/**
 * Connects a page to the main process. A frame has one connection: the newest.
 *
 * ```ts
 * const frontend = new IpcFrontend(electronIpc());
 * ```
 *
 * @throws Error if the preload script is missing
 */
export function electronIpc(bridge = electronBridge()): IpcConnector {
  if (!bridge)
    throw new Error(
      'This page has no main process: a window of Electron needs the preload script @linnet/electron/preload.',
    );
  return messagePortIpc(() => new BridgePort(bridge));
}

/** A connection over the bridge, as a message port. */
class BridgePort implements MessagePortLike {
  /** Names this connection. Answers for another page of this frame, or another connection, have another name. */
  readonly #name = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join(
    '-',
  );
  #receive: ((message: unknown) => void) | undefined;
  #stop: (() => void) | undefined;

  constructor(private readonly bridge: ElectronBridge) {}

  on(type: string, listener: (message: unknown) => void): void {
    if (type === 'message') this.#receive = listener;
  }

  start(): void {
    this.#stop = this.bridge.listen((message) => {
      const [name, frame] = message as [unknown, unknown];
      if (name === this.#name) this.#receive?.(frame);
    });
    this.bridge.send([this.#name]);
  }

  postMessage(message: unknown): void {
    this.bridge.send([this.#name, message]);
  }

  close(): void {
    this.#receive = undefined;
    this.#stop?.();
  }
}
