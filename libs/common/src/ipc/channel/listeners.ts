const none: ReadonlySet<never> = new Set<never>();

/** Who listens to which channel, by its name on the wire. */
export class IpcListeners<Listener> {
  readonly #byChannel = new Map<string, Set<Listener>>();

  /** Adds a listener of a channel. @returns stops listening */
  add(wireName: string, listener: Listener): () => void {
    let listeners = this.#byChannel.get(wireName);
    if (!listeners) this.#byChannel.set(wireName, (listeners = new Set()));
    listeners.add(listener);
    return () => this.remove(wireName, listener);
  }

  /** Ends what `add` began, for the same listener. */
  remove(wireName: string, listener: Listener): void {
    const listeners = this.#byChannel.get(wireName);
    if (listeners?.delete(listener) && listeners.size === 0) this.#byChannel.delete(wireName);
  }

  /** The listeners of a channel, which may change while they are gone through. */
  of(wireName: string): ReadonlySet<Listener> {
    return this.#byChannel.get(wireName) ?? none;
  }

  /** Forgets all of them. */
  clear(): void {
    this.#byChannel.clear();
  }
}
