import type { CallRow } from '../../src/channel/inspector.ipc.js';
import { make, searchField, setText } from '../dom.js';
import { age, clock, count, duration } from '../format.js';
import { Table } from '../table.js';
import type { Column } from '../table.js';
import type { PageContext, View } from '../view.js';

/** The state of a call, for its colour. */
export function stateOf({ failed, duration: ms }: CallRow): string {
  if (failed) return 'failed';
  return ms === undefined ? 'running' : '';
}

/** The columns of calls. */
export function callColumns(page: PageContext): Column<CallRow>[] {
  return [
    { title: 'Began', text: ({ start }) => clock(start) },
    {
      title: 'Name',
      text: ({ name }) => name,
      choose: ({ activityId, name }) => (activityId ? page.showActivity(activityId) : page.search(name)),
    },
    {
      title: 'Kind',
      text: ({ kind, side, transport }) => `${kind}, ${side}${transport === 'http' ? ', http' : ''}`,
    },
    {
      title: 'Duration',
      isNumber: true,
      text: ({ duration: ms, start }) => (ms === undefined ? age(start) : duration(ms)),
    },
    { title: 'Waited', isNumber: true, text: ({ waited }) => (waited > 0 ? duration(waited) : '') },
    { title: 'Items', isNumber: true, text: ({ items }) => (items > 0 ? count(items) : '') },
    { title: 'Outcome', text: ({ outcome }) => outcome || 'runs' },
  ];
}

/** Calls in flight, slow calls and failed calls. */
export class CallsView implements View {
  readonly title = 'Calls';
  readonly element: HTMLElement;
  readonly #filter = searchField('Name, activity or session', 'Only calls with this text');
  readonly #count = make('output');
  readonly #running: Table<CallRow>;
  readonly #slow: Table<CallRow>;
  readonly #failed: Table<CallRow>;

  constructor(private readonly page: PageContext) {
    this.#filter.addEventListener('input', () => void this.tick());
    const columns = callColumns(page);
    const table = (caption: string, none: string) => new Table<CallRow>(caption, columns, none, stateOf);
    this.#running = table('In flight, the longest first', 'No call is running.');
    this.#slow = table(`Slower than ${duration(page.info.slowMs)}`, 'No call was slow.');
    this.#failed = table('Failed', 'No call has failed.');
    const bar = make('div', { className: 'bar' }, this.#filter, this.#count);
    const tables = [this.#running, this.#slow, this.#failed].map(({ element }) => element);
    this.element = make('section', {}, bar, ...tables);
  }

  async tick(): Promise<void> {
    const text = this.#filter.value;
    const { running, count: all, slow, failed } = await this.page.inspector.calls(text);
    if (text !== this.#filter.value) return;
    setText(this.#count, `${count(all)} in flight`);
    this.#running.show(running);
    this.#slow.show(slow);
    this.#failed.show(failed);
  }
}
