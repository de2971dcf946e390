import { now } from './activity.js';
import type { Activity, Line, Span } from './activity.js';
import { duration } from './duration.js';
import { waterfallItems } from './waterfall.js';
import { beforeNextFrame, byId, make } from '../dom/elements.js';

/** The number of rows in the list. */
const KEPT = 30;
/** The number of calls and log lines that a row shows: a long drive makes many, and the last ones matter. */
const SHOWN = 40;

/** The list of activities. The latest one is the first, and is open. */
export class ActivityPanel {
  readonly #list = byId('activities', HTMLOListElement);
  readonly #rows = new Map<string, ActivityRow>();
  readonly #changed = new Set<Activity>();
  readonly #paintSoon = beforeNextFrame(() => this.#paint());

  update(activity: Activity): void {
    this.#changed.add(activity);
    this.#paintSoon();
  }

  #paint(): void {
    for (const activity of this.#changed) {
      let row = this.#rows.get(activity.id);
      if (!row) this.#add(activity.id, (row = new ActivityRow(activity)));
      row.paint();
    }
    this.#changed.clear();
  }

  #add(id: string, row: ActivityRow): void {
    for (const { element } of this.#rows.values()) element.open = false;
    this.#rows.set(id, row);
    this.#list.prepend(make('li', {}, row.element));
    if (this.#rows.size <= KEPT) return;
    this.#rows.delete(this.#rows.keys().next().value!);
    this.#list.lastElementChild!.remove();
  }
}

class ActivityRow {
  readonly #outcome = make('span', { className: 'outcome' });
  readonly #spans = make('ol', { className: 'spans' });
  readonly #lines = make('ol', { className: 'lines' });
  readonly #trace = make('code', { className: 'trace' });
  readonly element: HTMLDetailsElement;

  constructor(private readonly activity: Activity) {
    const { title, id } = activity;
    const summary = make('summary', {}, make('strong', {}, title), ' ', this.#outcome, make('code', {}, id));
    if (activity.traceId !== undefined) summary.append(this.#trace);
    this.element = make('details', { open: true }, summary, this.#spans, this.#lines);
    this.element.dataset['activity'] = id;
  }

  paint(): void {
    const { activity } = this;
    const { error, start, end } = activity;
    this.#outcome.textContent = end === undefined ? 'running' : duration(end - start);
    this.element.dataset['state'] = end === undefined ? 'running' : error === undefined ? 'done' : 'failed';
    const { spans } = activity;
    const first = Math.min(start, ...spans.map((span) => span.start));
    const last = Math.max(end ?? now(), ...spans.map((span) => span.end ?? 0));
    const { waterfall, traceId } = activity;
    if (traceId !== undefined) this.#trace.textContent = `trace ${traceId}`;
    this.#spans.classList.toggle('waterfall', waterfall.length > 0);
    // The spans of a trace are the same calls, with their parents.
    const items =
      waterfall.length > 0
        ? waterfallItems(waterfall)
        : spans.slice(-SHOWN).map((span) => spanItem(span, first, last));
    this.#spans.replaceChildren(...items);
    this.#lines.replaceChildren(...activity.lines.slice(-SHOWN).map((line) => lineItem(line, first)));
  }
}

/** A bar on the time line, from the first to the last moment of the activity. */
function spanItem({ tier, method, start, end }: Span, first: number, last: number): HTMLElement {
  const bar = make('span');
  const share = (time: number) => `${((time - first) / (last - first || 1)) * 100}%`;
  bar.style.setProperty('--from', share(start));
  bar.style.setProperty('--to', share(end ?? last));
  const item = make(
    'li',
    {},
    make('span', { className: 'method' }, make('b', {}, tier), method),
    make('span', { className: 'duration' }, end === undefined ? '…' : duration(end - start)),
    make('span', { className: 'track' }, bar),
  );
  item.dataset['tier'] = tier;
  return item;
}

function lineItem({ tier, time, level, context, text }: Line, first: number): HTMLElement {
  const origin = context ? `${tier} ${context}` : tier;
  const item = make(
    'li',
    {},
    make('time', {}, `+${duration(time - first)}`),
    make('b', {}, origin),
    ` ${text}`,
  );
  item.dataset['tier'] = tier;
  item.dataset['level'] = level;
  return item;
}
