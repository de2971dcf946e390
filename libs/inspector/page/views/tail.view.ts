import type { TailBatch, TailEvent } from '../../src/channel/inspector.ipc.js';
import { link, make, searchField, setText } from '../dom.js';
import { clock, count, duration } from '../format.js';
import type { PageContext, View } from '../view.js';

/** Lines that the page keeps. */
const KEPT = 200;

/** Calls, log lines and sessions while they happen. The backend sends at most 200 a second, and says how many it left out. */
export class TailView implements View {
  readonly title = 'Live';
  readonly element: HTMLElement;
  readonly #filter = searchField('Name, id or text of a line', 'Only events with this text');
  readonly #pause = make('button', { type: 'button', onclick: () => this.#toggle() }, 'Pause');
  readonly #droppedNote = make('output');
  readonly #list = make('ol', { className: 'tail', tabIndex: 0 });
  #stop: (() => void) | undefined;
  #isPaused = false;
  #droppedCount = 0;

  constructor(private readonly page: PageContext) {
    this.#list.setAttribute('aria-label', 'Events, the latest first');
    // Each change begins another stream: not at each key.
    let timer = 0;
    this.#filter.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#begin(), 300);
    });
    const bar = make('div', { className: 'bar' }, this.#filter, this.#pause, this.#droppedNote);
    this.element = make('section', {}, bar, this.#list);
  }

  tick(): void {
    if (!this.#stop && !this.#isPaused) this.#begin();
  }

  hidden(): void {
    this.#end();
  }

  #end(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #toggle(): void {
    this.#isPaused = !this.#isPaused;
    setText(this.#pause, this.#isPaused ? 'Continue' : 'Pause');
    if (this.#isPaused) this.#end();
    else this.#begin();
  }

  #begin(): void {
    this.#end();
    if (this.#isPaused) return;
    let isOver = false;
    const stop = () => void (isOver = true);
    this.#stop = stop;
    const read = async () => {
      for await (const batch of this.page.inspector.tail(this.#filter.value)) {
        if (isOver) return;
        this.#show(batch);
      }
    };
    // The session may be over. The next tick begins again.
    const ended = () => {
      if (this.#stop === stop) this.#stop = undefined;
    };
    read().then(ended, ended);
  }

  #show({ events, dropped }: TailBatch): void {
    this.#droppedCount += dropped;
    if (dropped > 0)
      setText(
        this.#droppedNote,
        `${count(this.#droppedCount)} events were left out. A filter leaves out fewer.`,
      );
    for (const event of events) this.#list.prepend(this.#line(event));
    while (this.#list.childElementCount > KEPT) this.#list.lastElementChild!.remove();
  }

  #line(event: TailEvent): HTMLLIElement {
    switch (event.type) {
      case 'call': {
        const { start, name, side, duration: ms = 0, outcome, failed, activityId } = event.call;
        const text = `${side === 'client' ? 'called ' : ''}${name}, ${duration(ms)}, ${outcome}`;
        const state = failed ? 'failed' : '';
        return this.#item(start, 'call', text, state, activityId);
      }
      case 'line': {
        const { time, level, context, text, activityId } = event.line;
        return this.#item(time, level, `${context && `${context}: `}${text}`, level, activityId);
      }
      case 'session':
        return this.#item(event.time, 'session', `${event.id} ${event.change}`, '', '');
      default:
        return this.#item(event.time, 'refused', event.reason, 'failed', '');
    }
  }

  #item(time: number, kind: string, text: string, state: string, activityId: string): HTMLLIElement {
    const item = make('li', {}, make('time', {}, clock(time)), make('b', {}, kind));
    item.dataset['state'] = state;
    const show = () => this.page.showActivity(activityId);
    item.append(activityId ? link(text, show) : make('span', {}, text));
    return item;
  }
}
