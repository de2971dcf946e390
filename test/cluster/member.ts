import { IpcFrontend, webSocketIpc } from '@linnet/frontend';

interface Cluster {
  enter(room: string): Promise<number>;
  say(room: string, sender: number, n: number): Promise<void>;
  work(milliseconds: number): Promise<number>;
}

/** A call of a member: when it began, when it settled, and with what. */
export interface Call {
  readonly at: number;
  told: number;
  /** The name of the error that it rejected with; empty where it was answered. */
  error: string;
}

/** A message of a member, and what its sender was told. */
export interface Sent extends Call {
  /** `unknown`: the call rejected, so that the message may have arrived or not. `open`: the call has not settled. */
  outcome: 'open' | 'sent' | 'unknown';
}

/** A time in a room. */
interface Stay {
  readonly from: number;
  /** Until the session was lost. */
  to: number;
  /** The last message of each sender that has arrived. */
  readonly last: Map<number, number>;
}

/** A time without a connection. */
export interface Absence {
  readonly from: number;
  readonly to: number;
}

/** Calls of one member that may be open at once. */
const MAX_OPEN = 32;

/** How long a call works that is in flight while something fails, in milliseconds. */
export const WORK_MS = 500;

/** A frontend in a room, which sends messages to all members and notes those that it receives. */
export class Member {
  readonly frontend: IpcFrontend;
  /** By their number. */
  readonly sent: Sent[] = [];
  /** Calls that were in flight when something failed. */
  readonly worked: Call[] = [];
  /** How often each message of each sender has arrived, by its number. */
  readonly received = new Map<number, Uint8Array>();
  readonly stays: Stay[] = [];
  /** Messages that arrived again, or behind a later one. */
  readonly repeated: string[] = [];
  readonly disordered: string[] = [];
  /** Until the session was restored. */
  readonly resumed: Absence[] = [];
  /** Until the frontend was told that its session is lost; `back` is when it had a new one. */
  readonly lost: (Absence & { readonly back: number })[] = [];
  /** From the call of a sender to the listener here, in milliseconds. */
  readonly latencies: number[] = [];
  readonly #cluster: Cluster;
  readonly #last = new Map<number, number>();
  #open = 0;
  #away = 0;
  #told = 0;

  constructor(
    url: string,
    readonly id: number,
    readonly room: string,
    private readonly all: readonly Member[],
  ) {
    this.frontend = new IpcFrontend(webSocketIpc(url), { reconnectMs: [50, 500], invokeTimeoutMs: 20_000 });
    this.#cluster = this.frontend.makeIpcProxy<Cluster>('cluster');
    this.frontend.addListener('said', (_event, sender: number, n: number) => this.#receive(sender, n));
    this.frontend.onStateChange((state) => this.#changed(state));
  }

  /** Whether it is in its room. */
  get isIn(): boolean {
    return this.stays.at(-1)?.to === Infinity;
  }

  /** Whether nothing of it waits for an answer. */
  get isSettled(): boolean {
    return [...this.sent, ...this.worked].every(({ told }) => told > 0);
  }

  /** Waits until it is in its room. */
  async enter(): Promise<void> {
    for (;;) {
      try {
        await this.#cluster.enter(this.room);
        this.stays.push({ from: performance.now(), to: Infinity, last: new Map() });
        return;
      } catch {
        // The session was lost meanwhile, or Redis is away: the next one is tried.
        if (!this.frontend.isValid && this.frontend.state === 'closed') return;
      }
    }
  }

  /** Sends one message, unless too many are on their way. @returns whether it was sent */
  say(): boolean {
    if (this.#open >= MAX_OPEN) return false;
    this.#open++;
    const sent: Sent = { at: performance.now(), told: 0, error: '', outcome: 'open' };
    const n = this.sent.push(sent) - 1;
    this.#settle(sent, this.#cluster.say(this.room, this.id, n), () => {
      sent.outcome = sent.error === '' ? 'sent' : 'unknown';
      this.#open--;
    });
    return true;
  }

  /** Begins a call that is in flight for a while. */
  work(): void {
    const call: Call = { at: performance.now(), told: 0, error: '' };
    this.worked.push(call);
    this.#settle(call, this.#cluster.work(WORK_MS));
  }

  #settle(call: Call, answer: Promise<unknown>, done = () => undefined as void): void {
    const told = () => {
      call.told = performance.now();
      done();
    };
    answer.then(told, (error: unknown) => {
      call.error = error instanceof Error ? error.name : String(error);
      told();
    });
  }

  #receive(sender: number, n: number): void {
    let counts = this.received.get(sender);
    if (!counts || n >= counts.length) {
      const more = new Uint8Array(2 * (n + 64));
      if (counts) more.set(counts);
      this.received.set(sender, (counts = more));
    }
    const last = this.#last.get(sender) ?? -1;
    if (counts[n]! > 0) this.repeated.push(`${sender}/${n}`);
    else if (n < last) this.disordered.push(`${sender}/${n} behind ${last}`);
    counts[n]!++;
    this.#last.set(sender, Math.max(last, n));
    // The first messages of a new session may come before `enter` is answered. They say nothing about the one that was lost.
    if (this.isIn) this.stays.at(-1)!.last.set(sender, n);
    this.latencies.push(performance.now() - this.all[sender]!.sent[n]!.at);
  }

  #changed(state: IpcFrontend['state']): void {
    const now = performance.now();
    if (state === 'interrupted') this.#away = now;
    else if (state === 'connecting') {
      this.#told = now;
      this.#away ||= now;
      if (this.isIn) this.stays.at(-1)!.to = now;
    } else if (state === 'open' && this.#told > 0) {
      this.lost.push({ from: this.#away, to: this.#told, back: now });
      this.#told = this.#away = 0;
      void this.enter();
    } else if (state === 'open' && this.#away > 0) {
      this.resumed.push({ from: this.#away, to: now });
      this.#away = 0;
    }
  }
}
