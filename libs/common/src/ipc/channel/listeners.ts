const none: ReadonlySet<never> = new Set<never>();

/** The listeners of channels, by the names of the channels on the wire. */
export class IpcListeners<Listener> {
  readonly #byChannel = new Map<string, Set<Listener>>();

  /** Adds a listener of a channel. @returns a function that removes the listener */
  add(wireName: string, listener: Listener): () => void {
    let listeners = this.#byChannel.get(wireName);
    if (!listeners) this.#byChannel.set(wireName, (listeners = new Set()));
    listeners.add(listener);
    return () => this.remove(wireName, listener);
  }

  /** Removes a listener that `add` added. */
  remove(wireName: string, listener: Listener): void {
    const listeners = this.#byChannel.get(wireName);
    if (listeners?.delete(listener) && listeners.size === 0) this.#byChannel.delete(wireName);
  }

  /** The listeners of a channel. The set may change while it is iterated. */
  of(wireName: string): ReadonlySet<Listener> {
    return this.#byChannel.get(wireName) ?? none;
  }

  /** The channels with listeners, by their names on the wire. */
  get channels(): string[] {
    return [...this.#byChannel.keys()];
  }

  /** Forgets all of them. */
  clear(): void {
    this.#byChannel.clear();
  }
}
