/** Calls that are followed in a second. More would cost a busy backend more than a fiftieth of its throughput. */
const MOST_FOLLOWED = 1000;
/** Activities that are followed in any case. */
const MOST_PINNED = 20;

/**
 * Selects the calls that are followed. A quiet backend has all of them followed, a busy one a part of its activities, each with all
 * of its calls: the decision depends on the id of the activity.
 */
export class CallSelection {
  /** A call that is followed stands for so many. */
  weight = 1;
  #followed = 0;
  /** The calls of this second, as an estimate. */
  #calls = 0;
  #unnamed = 0;
  /** In the order in which they were pinned. */
  readonly #pinned = new Set<string>();

  /** Has the calls of an activity followed from now on. */
  pin(activityId: string): void {
    this.#pinned.delete(activityId);
    this.#pinned.add(activityId);
    if (this.#pinned.size > MOST_PINNED) this.#pinned.delete(this.#pinned.values().next().value!);
  }

  /** Decides on a call. @returns how many calls it stands for; 0 if it is not followed */
  weightOf(activityId: string): number {
    const { weight } = this;
    if (weight > 1 && this.#placeOf(activityId) % weight !== 0) {
      const isPinned = this.#pinned.size > 0 && this.#pinned.has(activityId);
      return isPinned ? 1 : 0;
    }
    this.#calls += weight;
    // A sudden rush does not wait for the end of the second.
    if (++this.#followed > MOST_FOLLOWED) {
      this.#followed = 0;
      this.weight *= 2;
    }
    return weight;
  }

  /** A second has ended. */
  tick(): void {
    this.weight = Math.max(1, Math.ceil(this.#calls / MOST_FOLLOWED));
    this.#calls = this.#followed = 0;
  }

  /** Ids differ at their ends, where clients count or have random digits. */
  #placeOf(id: string): number {
    const { length } = id;
    if (length < 4) return this.#unnamed++;
    let place = 0;
    for (let i = length - 4; i < length; i++) place = place * 31 + id.charCodeAt(i);
    return place;
  }
}
