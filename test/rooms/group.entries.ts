import type { BackplaneEntry } from '@linnet/common';

/** The entries of all nodes of a backplane, by their groups. */
export class GroupEntries {
  readonly #groups = new Map<string, Map<string, BackplaneEntry>>();

  set(node: string, group: string, key: string, value: string): void {
    const entries = this.#groups.get(group) ?? new Map<string, BackplaneEntry>();
    this.#groups.set(group, entries.set(key, { key, value, node }));
  }

  /** Removes an entry of a node. */
  delete(node: string, group: string, key: string): void {
    if (this.get(group, key)?.node === node) this.#groups.get(group)!.delete(key);
  }

  /** Removes all entries of a node. */
  bury(id: string): void {
    for (const entries of this.#groups.values())
      for (const { key, node } of entries.values()) if (node === id) entries.delete(key);
  }

  get(group: string, key: string): BackplaneEntry | undefined {
    return this.#groups.get(group)?.get(key);
  }

  list(group: string): BackplaneEntry[] {
    return [...(this.#groups.get(group)?.values() ?? [])];
  }

  count(group: string): number {
    return this.#groups.get(group)?.size ?? 0;
  }
}
