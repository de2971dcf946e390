import type { IpcClosure } from '@linnet/common';
import type { LinkedSessions } from '@linnet/backend';
import type { ElectronFrame } from '../electron/electron.types.js';
import { FrameConnection } from '../frame/frame.connection.js';
import { ITwinLink } from './link.js';

/** The connection of one page on the wire of core-electron: it begins with the first message of the page. */
export class FrameLink extends FrameConnection {
  #link: ITwinLink | undefined;
  /** Work that waits for the handlers of the session; `undefined` once they are there. */
  #early: (() => void)[] | undefined = [];
  readonly #processId: number;
  readonly #routingId: number;

  constructor(
    private readonly sessions: LinkedSessions,
    ...frame: ConstructorParameters<typeof FrameConnection>
  ) {
    super(...frame);
    ({ processId: this.#processId, routingId: this.#routingId } = this.frame);
  }

  /** Begins the session. @returns why there is none */
  begin(): IpcClosure | undefined {
    const { limits } = this.sessions;
    const page = {
      send: (channel: string, ...args: unknown[]) => this.#send(channel, args),
      isRaw: (channel: string) => this.sessions.isRaw(channel),
    };
    const session = this.sessions.open(
      (receive, ended) =>
        new ITwinLink(page, limits, receive, (closure) => {
          ended(closure);
          this.closed(this);
        }),
      { frontend: String(this.contents.id) },
    );
    if (session.refusal) {
      this.closed(this);
      return session.refusal;
    }
    this.#link = session.connection.link;
    const go = () => {
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const work of early) work();
    };
    session.started.then(go, () => this.#link?.close(1011, 'Internal error'));
    return undefined;
  }

  /** Whether it is that of the page that a frame shows now. */
  isOf({ processId, routingId }: ElectronFrame): boolean {
    return processId === this.#processId && routingId === this.#routingId;
  }

  /** Takes a message of the page. */
  receive(channel: string, args: unknown[]): void {
    this.#when(() => this.#link?.receive([channel, ...args]));
  }

  /** Takes a call of the page. @returns what it is answered with */
  invoke(channel: string, args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) =>
      this.#when(() => void this.#link!.invoke(channel, args).then(resolve, reject)),
    );
  }

  dismiss(code: number, reason: string): void {
    this.end(code, reason);
  }

  end(code: number, reason: string): void {
    this.#link?.ended({ code, reason });
  }

  #send(channel: string, args: unknown[]): void {
    // Electron tells of frames that navigate, but not of those that are taken out of their page.
    if (this.isHeard) this.frame.send(channel, ...args);
    else this.end(1001, 'The page was left.');
  }

  #when(work: () => void): void {
    if (!this.#early) work();
    else if (this.#early.push(work) > this.sessions.limits.pendingCalls)
      this.#link?.close(1008, 'Too many messages before the session has begun.');
  }
}
