import type { BudgetShare, ByteBudget } from '../../bytes/byte.budget.js';

/** A call that holds received bytes. */
export interface BodyHolder {
  /** Drops them, because the server has no space for them. */
  drop(): void;
}

/** Smaller bodies are not counted, because every connection takes about this much memory. */
const MIN_HELD_BYTES = 64 * 1024;

/** Counts the bytes that one call has received and holds. */
export class HeldBytes {
  #share: BudgetShare<BodyHolder> | undefined;
  #isOver = false;

  /** @param address the address of the client */
  constructor(
    private readonly bodies: ByteBudget<BodyHolder>,
    private readonly address: string | undefined,
    private readonly holder: BodyHolder,
  ) {}

  /** Counts the bytes that are held now. If all bodies exceed the limit, the owner with most bytes loses its bodies. */
  count(bytes: number): void {
    const counted = bytes > MIN_HELD_BYTES && !this.#isOver ? bytes : 0;
    const more = counted - (this.#share?.amount ?? 0);
    if (more === 0) return;
    const { bodies } = this;
    (this.#share ??= bodies.share(this.address ?? '', this.holder)).add(more);
    if (more < 0) return;
    while (bodies.amount > bodies.limit) bodies.largest()!.holder.drop();
  }

  /** The bytes are not held any more. @returns whether some were counted */
  release(): boolean {
    this.#share?.clear();
    const hasHeld = this.#share !== undefined;
    this.#share = undefined;
    return hasHeld;
  }

  /** The call is over: nothing is counted any more. */
  end(): void {
    this.#isOver = true;
    this.release();
  }
}
