import type { MessagePortLike } from '@linnet/common';
import { closeFrame, oneLine, SessionNotFound, textOf } from '@linnet/common/internal';
import type { ElectronIpcMain, ElectronSender } from '../electron/electron.types.js';
import type { FrameConnection } from './frame.connection.js';
import type { FrameConnections } from './frame.connections.js';
import { channel, FramePort } from './webframe.port.js';
import type { SenderPolicy } from './sender.policy.js';

/** Most characters of the name of a connection. */
const MAX_NAME_LENGTH = 64;

/** The wire of pages of Linnet: the durable wire over one channel of Electron. */
export class BridgeWire {
  /** The connections on this wire. */
  readonly #ports = new WeakMap<FrameConnection, FramePort>();

  /** @param serve called with the port of each page that connects, and the id of its `webContents` */
  constructor(
    private readonly ipcMain: ElectronIpcMain,
    private readonly rules: SenderPolicy,
    private readonly connections: FrameConnections,
    private readonly serve: (port: MessagePortLike, window: string) => void,
  ) {
    ipcMain.on(channel, this.#received);
  }

  /** Stops listening. */
  close(): void {
    this.ipcMain.removeListener(channel, this.#received);
  }

  /** Never throws: no message of a page may end the process. */
  readonly #received = (event: ElectronSender, message: unknown): void => {
    try {
      // A last message of a page that was left.
      if (!event.senderFrame) return;
      const refusal = this.rules.refusal(event);
      if (refusal === undefined) this.#take(event, message);
      else if (!this.rules.belongsToAnother(event.sender))
        this.connections.reportIgnored(event.sender, refusal);
    } catch (error) {
      this.connections.reportIgnored(event.sender, oneLine(textOf(error)));
    }
  };

  #take({ sender, senderFrame }: ElectronSender, message: unknown): void {
    const [name, ...frames] = Array.isArray(message) ? (message as unknown[]) : [];
    if (typeof name !== 'string' || name.length > MAX_NAME_LENGTH) {
      this.connections.reportIgnored(sender, 'they are not messages of the bridge');
      return;
    }
    const frame = senderFrame!;
    const known = this.connections.of(frame);
    const port = known && this.#ports.get(known);
    if (frames.length === 0) {
      known?.dismiss(1001, 'Another frontend of this frame has connected.');
      const added = this.connections.add(sender, frame, (...of) => new FramePort(name, ...of));
      this.#ports.set(added, added);
      this.serve(added, String(sender.id));
    } else if (port?.name === name) port.receive(frames[0]);
    // A page that was kept, and is shown again, does not know that its connection is over.
    else {
      const { code, message: reason } = new SessionNotFound();
      frame.send(channel, [name, closeFrame(code, reason)]);
    }
  }
}
