import type { WireHost } from '@linnet/backend';
import { SERIALIZED_RPC_CHANNEL } from '@linnet/common/internal';
import type {
  ElectronContents,
  ElectronIpcMain,
  ElectronModule,
  ElectronSender,
} from '../electron/electron.types.js';
import type { FrameConnection } from '../frame/frame.connection.js';
import type { FrameConnections } from '../frame/frame.connections.js';
import { PageTransport } from './page.transport.js';
import { DATA_CHANNEL, failed } from './link.js';
import type { SenderPolicy } from '../frame/sender.policy.js';

/** All channels of this wire begin with it: the preload script of core-electron lets no other through. */
const PREFIX = 'itwin.';
/** The channels of RPC. */
const rpcChannels: readonly string[] = [SERIALIZED_RPC_CHANNEL, DATA_CHANNEL];

/**
 * The wire of core-electron, whose pages send and invoke on channels of Electron's ipc (`window.itwinjs`). A session begins
 * with the first message of a page, and ends with the page.
 */
export class ITwinWire {
  readonly #hub: ITwinHub;
  /** The connections on this wire. */
  readonly #transports = new WeakMap<FrameConnection, PageTransport>();
  /** Channels that calls are taken from. */
  readonly #channels = new Set<string>();
  /** Windows that are listened to. */
  readonly #contents = new Set<ElectronContents>();
  readonly #rpcListeners = rpcChannels.map((channel): [string, RpcListener] => [
    channel,
    (event, message) => this.#receive(event, channel, [message]),
  ]);
  readonly #stop: () => void;

  constructor(
    private readonly electron: Pick<ElectronModule, 'app' | 'ipcMain'>,
    private readonly rules: SenderPolicy,
    private readonly connections: FrameConnections,
    private readonly sessions: WireHost,
  ) {
    this.#hub = ITwinHub.of(electron.ipcMain);
    this.#hub.wires.add(this);
    electron.app.on('web-contents-created', this.#created);
    for (const [channel, listener] of this.#rpcListeners) electron.ipcMain.on(channel, listener);
    this.#stop = sessions.watch({
      added: (channel) => {
        if (!channel.startsWith(PREFIX) || rpcChannels.includes(channel)) return;
        this.#hub.add(channel);
        this.#channels.add(channel);
      },
      removed: (channel) => {
        if (this.#channels.delete(channel)) this.#hub.remove(channel);
      },
    });
  }

  /** Listens to a window. Repeated calls do nothing. */
  listenTo(contents: ElectronContents): void {
    if (this.#contents.has(contents)) return;
    this.#contents.add(contents);
    // Messages of all channels: which of them are listened to is up to sessions, and changes.
    contents.on('ipc-message', this.#message);
    contents.on('destroyed', () => this.#contents.delete(contents));
  }

  /** Stops listening. */
  close(): void {
    this.#stop();
    this.#hub.wires.delete(this);
    for (const channel of this.#channels) this.#hub.remove(channel);
    const { app, ipcMain } = this.electron;
    app.removeListener('web-contents-created', this.#created);
    for (const [channel, listener] of this.#rpcListeners) ipcMain.removeListener(channel, listener);
    for (const contents of this.#contents) contents.removeListener('ipc-message', this.#message);
    this.#contents.clear();
  }

  /** Whether a window is one of those that were given. */
  has(contents: ElectronContents): boolean {
    return this.rules.has(contents);
  }

  /** Whether a sender may call. */
  admits(event: ElectronSender): boolean {
    return event.senderFrame !== null && this.rules.refusal(event) === undefined;
  }

  /** Takes a call of a page. Rejects only where a handler without the envelope of handlers failed. */
  async invoke(event: ElectronSender, channel: string, args: unknown[]): Promise<unknown> {
    let transport: PageTransport;
    try {
      transport = this.#transportOf(event);
    } catch (error) {
      // Electron would write a rejection to the console, as often as a page likes.
      return failed(error as Error);
    }
    return transport.invoke(channel, args);
  }

  readonly #created = (_event: unknown, contents: ElectronContents): void => this.listenTo(contents);

  readonly #message = (event: ElectronSender, channel: string, ...args: unknown[]): void => {
    if (channel.startsWith(PREFIX) && !rpcChannels.includes(channel)) this.#receive(event, channel, args);
  };

  /** Never throws: whatever a page sends is not to end the process. */
  #receive(event: ElectronSender, channel: string, args: unknown[]): void {
    try {
      // The last words of a page that was left have no frame.
      if (event.senderFrame && this.#hub.wireOf(event) === this)
        this.#transportOf(event).receive(channel, args);
    } catch {
      // Nobody waits for an answer; why it was refused has been logged.
    }
  }

  /** @throws Error if the sender is refused, or no session can begin */
  #transportOf(event: ElectronSender): PageTransport {
    const { sender, senderFrame: frame } = event;
    if (!frame) throw new Error('The page was left.');
    const refusal = this.rules.refusal(event);
    if (refusal !== undefined) {
      if (!this.rules.belongsToAnother(sender)) this.connections.reportIgnored(sender, refusal);
      throw new Error('This page may not call the main process.');
    }
    const known = this.connections.of(frame);
    const current = known && this.#transports.get(known);
    if (current?.isOf(frame)) return current;
    if (known && !current && known.isReachable)
      throw new Error('This page is connected by window.linnet: it cannot use window.itwinjs as well.');
    known?.end(1001, 'The page was left.');
    const transport = this.connections.add(sender, frame, (...of) => new PageTransport(this.sessions, ...of));
    this.#transports.set(transport, transport);
    const reason = transport.begin();
    if (reason !== undefined) throw new Error(reason);
    return transport;
  }
}

type RpcListener = (event: ElectronSender, message: unknown) => void;

/** Answers calls of channels: Electron has one handler for each channel, and a process can have several backends. */
class ITwinHub {
  static readonly #hubs = new WeakMap<ElectronIpcMain, ITwinHub>();
  readonly wires = new Set<ITwinWire>();
  /** How many wires take the calls of each channel. */
  readonly #counts = new Map<string, number>();

  private constructor(private readonly ipcMain: ElectronIpcMain) {}

  static of(ipcMain: ElectronIpcMain): ITwinHub {
    let hub = ITwinHub.#hubs.get(ipcMain);
    if (!hub) ITwinHub.#hubs.set(ipcMain, (hub = new ITwinHub(ipcMain)));
    return hub;
  }

  /** Takes the calls of a channel. @throws Error if other code handles it */
  add(channel: string): void {
    const count = this.#counts.get(channel) ?? 0;
    if (count === 0)
      this.ipcMain.handle(channel, async (event, ...args) =>
        this.wireOf(event)?.invoke(event, channel, args),
      );
    this.#counts.set(channel, count + 1);
  }

  remove(channel: string): void {
    const count = this.#counts.get(channel)! - 1;
    if (count > 0) this.#counts.set(channel, count);
    else {
      this.#counts.delete(channel);
      this.ipcMain.removeHandler(channel);
    }
  }

  /** The wire of the window that has sent something; else the first that admits the window, or the first. */
  wireOf(event: ElectronSender): ITwinWire | undefined {
    const wires = [...this.wires];
    return (
      wires.find((wire) => wire.has(event.sender)) ?? wires.find((wire) => wire.admits(event)) ?? wires[0]
    );
  }
}
