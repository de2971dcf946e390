import type { Socket } from 'node:net';
import { ByteBudget, HttpError } from '@linnet/common/internal';
import { refuseUpgrade } from './upgrade.refusal.js';

const MESSAGE = 'Too many frontends are connecting at once.';

/** Refuses an upgrade because too many are pending, of all or of its peer. */
export const tooManyUpgrades = (): HttpError => new HttpError(503, MESSAGE);

/** The upgrades that are being authorized. */
export class PendingUpgrades {
  readonly #places: ByteBudget<Socket>;
  /** Upgrades that were refused to make space, and whose authorization still runs. */
  readonly #refused = new Set<Socket>();

  /** @param limit how many can be pending, and how many refused ones can still run */
  constructor(limit: number) {
    this.#places = new ByteBudget(limit);
  }

  /**
   * Takes a place for an upgrade, if necessary that of the oldest one of the peer with most.
   *
   * @param owner names the peer, which is not authorized yet
   * @returns a function that frees the place
   * @throws HttpError 503 if no place is free
   */
  enter(socket: Socket, owner: string): () => void {
    const { limit } = this.#places;
    if (this.#places.amount >= limit) {
      const [oldest] = this.#refused.size < limit ? this.#places.above(owner) : [];
      if (!oldest) throw tooManyUpgrades();
      oldest.clear();
      this.#refused.add(oldest.holder);
      refuseUpgrade(oldest.holder, 503, MESSAGE);
    }
    const place = this.#places.share(owner, socket);
    place.add(1);
    return () => {
      place.clear();
      this.#refused.delete(socket);
    };
  }
}
