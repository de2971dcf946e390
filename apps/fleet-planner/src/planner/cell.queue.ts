/** A priority queue of cells by cost, as a binary heap. */
export class CellQueue {
  readonly #cells: number[] = [];
  readonly #costs: number[] = [];

  push(cell: number, cost: number): void {
    let at = this.#cells.length;
    for (; at > 0;) {
      const parent = (at - 1) >> 1;
      if (this.#costs[parent]! <= cost) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, cell, cost);
  }

  /** Removes the cell with the lowest cost; `undefined` if the queue is empty. */
  pop(): number | undefined {
    const first = this.#cells[0];
    const cell = this.#cells.pop();
    const cost = this.#costs.pop();
    const length = this.#cells.length;
    if (cell === undefined || cost === undefined || length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#costs[child + 1]! < this.#costs[child]!) child++;
      if (this.#costs[child]! >= cost) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, cell, cost);
    return first;
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#cells[from]!, this.#costs[from]!);
  }

  #put(at: number, cell: number, cost: number): void {
    this.#cells[at] = cell;
    this.#costs[at] = cost;
  }
}
