import { byId } from '../dom/elements.js';

/** Shows the progress of work. */
export type ShowProgress = (done: number, all: number, text: string) => void;

/** The elements of work that takes long: a progress bar, a report, and a button that cancels. */
export class ProgressPanel {
  readonly #start: HTMLButtonElement | HTMLInputElement;
  readonly #cancel: HTMLButtonElement;
  readonly #bar: HTMLProgressElement;
  readonly #report: HTMLElement;

  /** @param name the name of the work; the ids of the elements are `name-cancel`, `name-progress` and `name-report` */
  constructor(
    private readonly name: string,
    start: HTMLButtonElement | HTMLInputElement,
  ) {
    this.#start = start;
    this.#cancel = byId(`${name}-cancel`, HTMLButtonElement);
    this.#bar = byId(`${name}-progress`, HTMLProgressElement);
    this.#report = byId(`${name}-report`, HTMLElement);
  }

  /**
   * Shows the progress of work until it ends.
   *
   * @param work returns the text for its end
   */
  async run(work: (signal: AbortSignal, show: ShowProgress) => Promise<string>): Promise<void> {
    const abort = new AbortController();
    const giveUp = () => abort.abort(new Error(`The ${this.name} was cancelled.`));
    this.#cancel.addEventListener('click', giveUp, { once: true });
    [this.#start.disabled, this.#cancel.disabled] = [true, false];
    this.#cancel.focus();
    this.#bar.value = 0;
    try {
      this.#report.textContent = await work(abort.signal, (done, all, text) => {
        [this.#bar.max, this.#bar.value] = [all, done];
        this.#report.textContent = text;
      });
      this.#bar.value = this.#bar.max;
    } catch (error) {
      this.#report.textContent = abort.signal.aborted
        ? `Cancelled at ${this.#report.textContent}.`
        : `The ${this.name} has failed.`;
      throw error;
    } finally {
      this.#cancel.removeEventListener('click', giveUp);
      const hadFocus = document.activeElement === this.#cancel;
      [this.#start.disabled, this.#cancel.disabled] = [false, true];
      // A button loses the focus when it is disabled.
      if (hadFocus) this.#start.focus();
    }
  }
}
