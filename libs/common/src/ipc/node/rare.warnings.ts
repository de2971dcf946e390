/** A fault that lasts is reported again after this time, in milliseconds. */
const WARN_MS = 10_000;

/** Warnings for the log, each kind not more often than every ten seconds. */
export class RareWarnings {
  readonly #last = new Map<string, number>();

  constructor(private readonly warn: (message: string) => void) {}

  /** @param what names the kind: one of a few texts of this program */
  add(what: string, why: string): void {
    const now = performance.now();
    if (now - (this.#last.get(what) ?? -WARN_MS) < WARN_MS) return;
    this.#last.set(what, now);
    this.warn(`${what}: ${why}`);
  }
}
