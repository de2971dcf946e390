/** When to try again after a connection was lost. */
export class ReconnectTimer {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #succeededAt = Infinity;
  #try: (() => void) | undefined;

  constructor(
    /** The first pause, in milliseconds; each further one is twice as long, up to `longestMs`. */
    private readonly firstMs = 250,
    private readonly longestMs = 10_000,
  ) {}

  /** Tries in a while: the later, the more often it has failed, and not at the moment at which all others do. */
  schedule(connect: () => void): void {
    this.cancel();
    // A connection that breaks soon after it was there is no success.
    if (performance.now() - this.#succeededAt > this.longestMs) this.#failures = 0;
    this.#succeededAt = Infinity;
    const pause = Math.min(this.longestMs, this.firstMs * 2 ** this.#failures++);
    this.#try = connect;
    this.#timer = setTimeout(() => this.hurry(), pause * (0.5 + Math.random() / 2));
  }

  /** Tries at once, where it waits to: there is reason to believe that it will work now. */
  hurry(): void {
    const connect = this.#try;
    this.cancel();
    connect?.();
  }

  /** It has worked, for now. */
  succeeded(): void {
    this.#succeededAt = performance.now();
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#try = undefined;
  }
}

type Listen = (type: string, listener: () => void) => void;

/** As much of a page as is used of it. */
interface PageEvents {
  addEventListener: Listen;
  removeEventListener: Listen;
  readonly document: { readonly visibilityState: string };
}

/**
 * Tells when there may be a network again, or somebody begins to look at the page; nothing where there is no page.
 *
 * @returns stops telling
 */
export function watchNetwork(hurry: () => void): () => void {
  const page = globalThis as unknown as Partial<PageEvents>;
  const { addEventListener, removeEventListener } = page;
  if (!addEventListener || !removeEventListener) return () => undefined;
  // A page that is hidden may be about to lose its connections: what is tried then is lost with them.
  const seen = () => page.document?.visibilityState !== 'hidden' && hurry();
  const hints = [
    ['online', hurry],
    ['visibilitychange', seen],
  ] as const;
  for (const [hint, listener] of hints) addEventListener(hint, listener);
  return () => {
    for (const [hint, listener] of hints) removeEventListener(hint, listener);
  };
}
