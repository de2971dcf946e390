/** Waits before the next attempt after a connection was lost. */
export class ReconnectTimer {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #succeededAt = Infinity;
  #try: (() => void) | undefined;

  constructor(
    /** The first pause, in milliseconds. Each further one is twice as long, up to `longestMs`. */
    private readonly firstMs = 250,
    private readonly longestMs = 10_000,
  ) {}

  /** Connects after a pause, which grows with each failure and is random, so that frontends do not connect all at once. */
  schedule(connect: () => void): void {
    this.cancel();
    // A connection that breaks soon counts as a failure.
    if (performance.now() - this.#succeededAt > this.longestMs) this.#failures = 0;
    this.#succeededAt = Infinity;
    const pause = Math.min(this.longestMs, this.firstMs * 2 ** this.#failures++);
    this.#try = connect;
    this.#timer = setTimeout(() => this.connectNow(), pause * (0.5 + Math.random() / 2));
  }

  /** Connects at once if it waits. */
  connectNow(): void {
    const connect = this.#try;
    this.cancel();
    connect?.();
  }

  /** The connection is open. */
  succeeded(): void {
    this.#succeededAt = performance.now();
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#try = undefined;
  }
}

type Listen = (type: string, listener: () => void) => void;

/** The members of a page that are used. */
interface PageEvents {
  addEventListener: Listen;
  removeEventListener: Listen;
  readonly document: { readonly visibilityState: string };
}

/**
 * Calls a function when the network is back, or the page becomes visible. Does nothing outside of a page.
 *
 * @returns a function that ends it
 */
export function watchNetwork(connectNow: () => void): () => void {
  const page = globalThis as unknown as Partial<PageEvents>;
  const { addEventListener, removeEventListener } = page;
  if (!addEventListener || !removeEventListener) return () => undefined;
  // A hidden page may be about to lose its connections.
  const seen = () => page.document?.visibilityState !== 'hidden' && connectNow();
  const hints = [
    ['online', connectNow],
    ['visibilitychange', seen],
  ] as const;
  for (const [hint, listener] of hints) addEventListener(hint, listener);
  return () => {
    for (const [hint, listener] of hints) removeEventListener(hint, listener);
  };
}
