import type { SessionOrder, SessionRow } from '../../src/channel/inspector.ipc.js';
import { make, searchField, setText } from '../dom.js';
import { age, bytes, count } from '../format.js';
import { Table } from '../table.js';
import type { Sorting } from '../table.js';
import type { PageContext, View } from '../view.js';

const PAGE_ROWS = 50;

/** The columns of sessions. */
export function sessionColumns(page: PageContext) {
  const number = (title: string, order: SessionOrder, text: (row: SessionRow) => string) => ({
    title,
    order,
    text,
    isNumber: true,
  });
  return [
    {
      title: 'Session',
      text: ({ id }: SessionRow) => id,
      choose: ({ id }: SessionRow) => page.showSession(id),
    },
    { title: 'User', order: 'user', text: ({ user }: SessionRow) => user },
    { title: 'Transport', text: ({ transport }: SessionRow) => transport },
    { title: 'State', text: ({ state }: SessionRow) => state },
    number('Age', 'since', ({ since }) => age(since)),
    number('Running', 'running', ({ running }) => count(running)),
    number('Waiting', 'waiting', ({ waiting }) => count(waiting)),
    number('Streams', 'streams', ({ streams }) => count(streams)),
    number('Unsent', 'unsentBytes', ({ unsentBytes, answerBytes }) => bytes(unsentBytes + answerBytes)),
  ];
}

/** The sessions, a page of them at a time: the backend selects and sorts. */
export class SessionsView implements View {
  readonly title = 'Sessions';
  readonly element: HTMLElement;
  readonly #filter = searchField('Id, user or address', 'Only sessions with this text');
  readonly #place = make('output');
  readonly #back = make('button', { type: 'button', onclick: () => this.#move(-PAGE_ROWS) }, 'Back');
  readonly #on = make('button', { type: 'button', onclick: () => this.#move(PAGE_ROWS) }, 'Next');
  readonly #sorting: Sorting = { order: 'since', descending: true };
  readonly #table: Table<SessionRow>;
  #offset = 0;
  #version = 0;

  constructor(private readonly page: PageContext) {
    const again = () => this.#move(-this.#offset);
    this.#filter.addEventListener('input', again);
    const columns = sessionColumns(page);
    const stateOf = ({ state }: SessionRow) => state;
    const none = 'There are no such sessions.';
    this.#table = new Table<SessionRow>('Sessions', columns, none, stateOf, this.#sorting, again);
    const bar = make('div', { className: 'bar' }, this.#filter, this.#place, this.#back, this.#on);
    this.element = make('section', {}, bar, this.#table.element);
  }

  async tick(): Promise<void> {
    const version = ++this.#version;
    const { order, descending } = this.#sorting;
    const { rows, count: total } = await this.page.inspector.sessions({
      search: this.#filter.value,
      order: order as SessionOrder,
      descending,
      offset: this.#offset,
      limit: PAGE_ROWS,
    });
    // The user may have asked for others meanwhile.
    if (version !== this.#version) return;
    this.#table.show(rows);
    const last = this.#offset + rows.length;
    setText(
      this.#place,
      rows.length > 0 ? `${count(this.#offset + 1)} to ${count(last)} of ${count(total)}` : '',
    );
    this.#back.disabled = this.#offset === 0;
    this.#on.disabled = last >= total;
  }

  #move(by: number): void {
    this.#offset = Math.max(0, this.#offset + by);
    void this.tick();
  }
}
