import type { IpcClosure, IpcFrame, IpcPeerEvents, IpcServerTransport } from '@linnet/common';
import type { WireHost } from '@linnet/backend';
import type { ElectronFrame } from '../electron/electron.types.js';
import { FrameConnection } from '../frame/frame.connection.js';
import { itwinWire } from './link.js';
import type { ITwinFrame, PageMessage } from './link.js';

/** The connection of one page on the wire of core-electron. It begins with the first message of the page. */
export class PageTransport extends FrameConnection implements IpcServerTransport {
  readonly name = 'Electron';
  /** Electron takes everything at once, and does not report when the page has it. */
  readonly bufferedBytes = 0;
  #events: IpcPeerEvents | undefined;
  #refusal: Pick<IpcClosure, 'code' | 'reason'> | undefined;
  readonly #processId: number;
  readonly #routingId: number;

  constructor(
    private readonly sessions: WireHost,
    ...frame: ConstructorParameters<typeof FrameConnection>
  ) {
    super(...frame);
    ({ processId: this.#processId, routingId: this.#routingId } = this.frame);
  }

  /** Begins the session. @returns the reason why none can begin */
  begin(): string | undefined {
    const wire = itwinWire((channel) => this.sessions.isRaw(channel));
    const events = this.sessions.accept(this, wire, { frontend: String(this.contents.id) });
    if (this.#refusal) return this.#refusal.reason;
    this.#events = events;
    return undefined;
  }

  /** Whether it belongs to the page that a frame shows now. */
  isOf({ processId, routingId }: ElectronFrame): boolean {
    return processId === this.#processId && routingId === this.#routingId;
  }

  /** Receives a message of the page. */
  receive(channel: string, args: unknown[]): void {
    this.#take(['send', channel, args]);
  }

  /** Receives a call of the page. @returns its answer */
  invoke(channel: string, args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => this.#take(['invoke', channel, args, { resolve, reject }]));
  }

  write(frame: IpcFrame): void {
    const [channel, ...args] = frame as unknown as PageMessage;
    // Electron reports frames that navigate, but not frames that are removed from their page.
    if (this.isReachable) this.frame.send(channel, ...args);
    else this.end(1001, 'The page was left.');
  }

  defer(work: () => void): void {
    queueMicrotask(work);
  }

  async drained(): Promise<void> {
    // See `bufferedBytes`.
  }

  /** The session is over. */
  close(code: number, reason: string): void {
    this.#refusal = { code, reason };
    this.closed(this);
  }

  terminate(): void {
    this.end(1006, '');
  }

  dismiss(code: number, reason: string): void {
    this.#over({ code, reason, initiator: 'local' });
  }

  end(code: number, reason: string): void {
    this.#over({ code, reason, initiator: 'remote' });
  }

  #take(frame: ITwinFrame): void {
    this.#events?.frame(frame);
  }

  #over(closure: IpcClosure): void {
    this.#events?.closed(closure);
    this.closed(this);
  }
}
