/** A queue of received messages. A reader that waits in vain gets an error with the earlier messages. */
export class Inbox<T> {
  /** All that came, taken or not. */
  readonly all: T[] = [];
  #taken = 0;
  #ended: string | undefined;
  #waiting: (() => void)[] = [];

  put(item: T): void {
    this.all.push(item);
    this.#wake();
  }

  /** Nothing more will come: waiting for it fails at once, with the reason. */
  end(reason: string): void {
    this.#ended ??= reason;
    this.#wake();
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** How much came that was not taken yet. */
  get left(): number {
    return this.all.length - this.#taken;
  }

  async take(withinMs: number): Promise<T> {
    const [item] = await this.takeMany(1, withinMs);
    return item!;
  }

  /** Takes the next `count`, or none of them: it fails when they are not there in time. */
  async takeMany(count: number, withinMs: number): Promise<T[]> {
    await this.#until(() => this.left >= count, `${count} of them`, withinMs);
    this.#taken += count;
    return this.all.slice(this.#taken - count, this.#taken);
  }

  /** Waits for one that passes, taken or not. */
  async find(wanted: (item: T) => boolean, what: string, withinMs: number): Promise<T> {
    await this.#until(() => this.all.some(wanted), what, withinMs);
    return this.all.find(wanted)!;
  }

  async #until(isThere: () => boolean, what: string, withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!isThere()) {
      const left = deadline - Date.now();
      if (this.#ended !== undefined) throw new Error(this.#inVain(what, this.#ended));
      if (left <= 0) throw new Error(this.#inVain(what, `nothing more within ${withinMs} ms`));
      await this.#change(left);
    }
  }

  /** Resolves when something came, or it is time to look again. */
  #change(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      // Sleeps: only a wait that fails lasts until this timer expires.
      const timer = setTimeout(resolve, withinMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) each();
  }

  #inVain(what: string, why: string): string {
    const came = this.all.map((item, i) => `${i < this.#taken ? 'taken' : 'left '} ${shortened(item)}`);
    return `waited for ${what}: ${why}; what came: ${came.length > 0 ? `\n${came.join('\n')}` : 'nothing'}`;
  }
}

function shortened(item: unknown): string {
  const text = JSON.stringify(item) ?? String(item);
  return text.length > 300 ? `${text.slice(0, 300)}… (${text.length})` : text;
}
