/** Everything that one owner holds. An owner is a user, or the address of a peer that nobody knows. */
interface Owned<Holder> {
  amount: number;
  /** In the order in which they began to hold something. */
  readonly shares: Set<BudgetShare<Holder>>;
}

/**
 * A limit on what a server holds for all of its peers: bytes that wait, or connections, sessions and the
 * like. Everything that is held has an owner, so that the one who has most can be found when it is too much.
 *
 * ```ts
 * const budget = new ByteBudget<Connection>(256 * 1024 * 1024);
 * const share = budget.share('user 7', connection, 64 * 1024 * 1024);
 * if (!share.take(answer.byteLength)) refuse();
 * ```
 */
export class ByteBudget<Holder = unknown> {
  readonly #owners = new Map<string, Owned<Holder>>();
  #amount = 0;

  /** @param limit how much may be held in all */
  constructor(readonly limit: number) {}

  /** How much is held in all. */
  get amount(): number {
    return this.#amount;
  }

  /** How much an owner holds. */
  amountOf(owner: string): number {
    return this.#owners.get(owner)?.amount ?? 0;
  }

  /**
   * A part of the budget, for one holder: a connection, a session, a call.
   *
   * @param owner whose it is: equal for all holders of one user, or of one address
   * @param limit how much this holder may have by itself
   */
  share(owner: string, holder: Holder, limit = Infinity): BudgetShare<Holder> {
    return new BudgetShare(this, owner, holder, limit);
  }

  /** The shares of the owner that holds most, in the order of their creation; empty if nobody holds anything. */
  most(): readonly BudgetShare<Holder>[] {
    let most: Owned<Holder> | undefined;
    for (const owned of this.#owners.values()) if (!most || owned.amount > most.amount) most = owned;
    return most ? [...most.shares] : [];
  }

  /** As {@link most}, where that is more than another owner has with one more; else nothing. */
  above(owner: string): readonly BudgetShare<Holder>[] {
    const most = this.most();
    const [first] = most;
    return first && this.amountOf(first.owner) > this.amountOf(owner) + 1 ? most : [];
  }

  /** The largest share of the owner who has most. */
  largest(): BudgetShare<Holder> | undefined {
    let largest: BudgetShare<Holder> | undefined;
    for (const share of this.most()) if (!largest || share.amount > largest.amount) largest = share;
    return largest;
  }

  /** @internal A share has changed by so much. */
  changed(share: BudgetShare<Holder>, by: number): void {
    this.#amount += by;
    // Looked up only at the ends: a share that holds something is known to its owner.
    const owned = (share.owned ??= this.#ownedBy(share));
    owned.amount += by;
    if (share.amount > 0) return;
    owned.shares.delete(share);
    share.owned = undefined;
    if (owned.shares.size === 0) this.#owners.delete(share.owner);
  }

  #ownedBy(share: BudgetShare<Holder>): Owned<Holder> {
    let owned = this.#owners.get(share.owner);
    if (!owned) this.#owners.set(share.owner, (owned = { amount: 0, shares: new Set() }));
    owned.shares.add(share);
    return owned;
  }
}

/** The part of a {@link ByteBudget} that one holder has. */
export class BudgetShare<Holder = unknown> {
  #amount = 0;
  /** @internal */
  owned: Owned<Holder> | undefined;

  /** Made by {@link ByteBudget.share}. */
  constructor(
    private readonly budget: ByteBudget<Holder>,
    /** The user or the address that it is counted for. */
    readonly owner: string,
    /** The object that holds it. */
    readonly holder: Holder,
    /** How much it may be by itself. */
    readonly limit: number,
  ) {}

  /** How much is held. */
  get amount(): number {
    return this.#amount;
  }

  /** For how much more there is room, in this share and in all; negative where there is too much already. */
  get room(): number {
    return Math.min(this.limit - this.#amount, this.budget.limit - this.budget.amount);
  }

  /** Counts what is there already, whether there is room for it or not; a negative number gives back. */
  add(by: number): void {
    if (by === 0) return;
    this.#amount += by;
    this.budget.changed(this, by);
  }

  /** Counts what is to come, where there is room for it. @returns whether there was */
  take(amount: number): boolean {
    if (amount > this.room) return false;
    this.add(amount);
    return true;
  }

  /** Gives everything back. */
  clear(): void {
    this.add(-this.#amount);
  }
}
