import {
  IpcWebSocket,
  IpcWebSocketFrontend,
  IpcWebSocketMessage,
  IpcWebSocketTransport,
} from '@itwin/core-common';
import { WebSocket } from 'ws';

/** The transport of iTwin.js over a connection of Node. It gets bytes as in a browser, with memory of their own. */
class Transport extends IpcWebSocketTransport {
  readonly #socket: WebSocket;
  #sequence = 0;

  private constructor(socket: WebSocket) {
    super();
    this.#socket = socket;
    socket.on('message', (data, isBinary) => {
      const bytes = data as Buffer;
      void this.#receive(isBinary ? Uint8Array.from(bytes).buffer : bytes.toString());
    });
  }

  static async open(port: number): Promise<Transport> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ipc`);
    const transport = new Transport(socket);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return transport;
  }

  override send(message: IpcWebSocketMessage): void {
    for (const frame of this.serialize({ ...message, sequence: this.#sequence++ }))
      this.#socket.send(frame as string);
  }

  close(): void {
    this.#socket.close();
  }

  async #receive(data: unknown): Promise<void> {
    const message = await this.notifyIncoming(data, this.#socket);
    if (IpcWebSocketMessage.skip(message)) return;
    for (const receiver of IpcWebSocket.receivers) receiver({} as Event, message);
  }
}

/**
 * The frontend's half of the socket in core-common. Its state is one per process, and Jest gives each spec file its
 * own: make one per file, and point it at one server after the other.
 */
export class ITwinIpcFrontend {
  readonly #frontend = new IpcWebSocketFrontend();
  #transport: Transport | undefined;

  /** Is connected to this server from now on. */
  async connect(port: number): Promise<void> {
    this.#transport?.close();
    IpcWebSocket.transport = this.#transport = await Transport.open(port);
  }

  /** Calls by the channel's name on the wire, and gives the data of the answer. */
  async invoke(channel: string, method: string, ...args: unknown[]): Promise<unknown> {
    return this.#frontend.invoke(channel, method, ...args) as Promise<unknown>;
  }
}
