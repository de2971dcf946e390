/** Everything that one owner holds. An owner is a user, or the address of an anonymous peer. */
interface Owned<Holder> {
  amount: number;
  /** In the order of their first bytes. */
  readonly shares: Set<BudgetShare<Holder>>;
}

/**
 * A limit on the resources that a server holds for all of its peers, such as waiting bytes, connections or sessions.
 * Everything that is held has an owner, so that the server finds the largest owner when the limit is reached.
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

  /** @param limit the total that may be held */
  constructor(readonly limit: number) {}

  /** The total that is held. */
  get amount(): number {
    return this.#amount;
  }

  /** The amount that an owner holds. */
  amountOf(owner: string): number {
    return this.#owners.get(owner)?.amount ?? 0;
  }

  /**
   * A part of the budget for one holder, such as a connection, a session or a call.
   *
   * @param owner the same for all holders of one user, or of one address
   * @param limit the most that this holder may have
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

  /** {@link most}, if that owner holds more than `owner` would with one unit more; otherwise an empty list. */
  above(owner: string): readonly BudgetShare<Holder>[] {
    const most = this.most();
    const [first] = most;
    return first && this.amountOf(first.owner) > this.amountOf(owner) + 1 ? most : [];
  }

  /** The largest share of the owner that holds most. */
  largest(): BudgetShare<Holder> | undefined {
    let largest: BudgetShare<Holder> | undefined;
    for (const share of this.most()) if (!largest || share.amount > largest.amount) largest = share;
    return largest;
  }

  /** @internal Counts a change of a share. */
  changed(share: BudgetShare<Holder>, by: number): void {
    this.#amount += by;
    // The owner is looked up only for the first bytes and after the last: a share keeps it in between.
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

/** The part of a {@link ByteBudget} that belongs to one holder. */
export class BudgetShare<Holder = unknown> {
  #amount = 0;
  /** @internal */
  owned: Owned<Holder> | undefined;

  /** Use {@link ByteBudget.share}. */
  constructor(
    private readonly budget: ByteBudget<Holder>,
    /** The user or the address that owns the share. */
    readonly owner: string,
    /** The object that holds the share. */
    readonly holder: Holder,
    /** The most that this share may hold. */
    readonly limit: number,
  ) {}

  /** The amount that this share holds. */
  get amount(): number {
    return this.#amount;
  }

  /** The amount that is left in this share and in the budget; negative if the limit is exceeded. */
  get free(): number {
    return Math.min(this.limit - this.#amount, this.budget.limit - this.budget.amount);
  }

  /** Counts an amount that exists already, even above the limit. A negative number releases an amount. */
  add(by: number): void {
    if (by === 0) return;
    this.#amount += by;
    this.budget.changed(this, by);
  }

  /** Reserves an amount if there is space for it. @returns whether there was space */
  take(amount: number): boolean {
    if (amount > this.free) return false;
    this.add(amount);
    return true;
  }

  /** Releases everything. */
  clear(): void {
    this.add(-this.#amount);
  }
}
