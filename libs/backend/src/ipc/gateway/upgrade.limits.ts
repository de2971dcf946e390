import type { Socket } from 'node:net';
import { ByteBudget, HttpError } from '@linnet/common/internal';
import { refuseUpgrade } from '../../node/ipc/upgrade.refusal.js';

const MESSAGE = 'Too many frontends are connecting at once.';

/** An upgrade that is refused as there are too many, of all or of its peer. */
export const tooManyConnect = (): HttpError => new HttpError(503, MESSAGE);

/** The upgrades that are being authorized. */
export class PendingUpgrades {
  readonly #places: ByteBudget<Socket>;
  /** Upgrades that were refused to make room, and that guards of the application are still busy with. */
  readonly #refused = new Set<Socket>();

  /** @param limit how many there may be, and how many more may have been refused and not be done */
  constructor(limit: number) {
    this.#places = new ByteBudget(limit);
  }

  /**
   * Takes a place for an upgrade, if need be that of the oldest one of whoever has most.
   *
   * @param owner whose it is, as far as that is known of who has yet to be authorized
   * @returns gives the place back
   * @throws HttpError 503 where there is none
   */
  enter(socket: Socket, owner: string): () => void {
    const { limit } = this.#places;
    if (this.#places.amount >= limit) {
      const [oldest] = this.#refused.size < limit ? this.#places.above(owner) : [];
      if (!oldest) throw tooManyConnect();
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
