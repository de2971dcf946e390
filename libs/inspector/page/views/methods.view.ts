import type { MethodRow, Overview } from '../../src/channel/inspector.ipc.js';
import { make, setText } from '../dom.js';
import { count, duration } from '../format.js';
import { Table } from '../table.js';
import type { PageContext, View } from '../view.js';

/** Interfaces and channels with rates, latencies and errors. */
export class MethodsView implements View {
  readonly title = 'Interfaces and channels';
  readonly element: HTMLElement;
  readonly #refusals = make('p', { className: 'quiet' });
  readonly #table: Table<MethodRow>;

  constructor(page: PageContext) {
    const number = (title: string, text: (row: MethodRow) => string) => ({ title, text, isNumber: true });
    const time = (title: string, of: (row: MethodRow) => number) =>
      number(title, (row) => (row.calls === row.running ? '' : duration(of(row))));
    this.#table = new Table<MethodRow>(
      'Interfaces and channels',
      [
        { title: 'Name', text: ({ name }) => name, choose: ({ name }) => page.search(name) },
        { title: 'Kind', text: ({ kind, side }) => (side === 'client' ? `${kind}, called` : kind) },
        number('Calls/s', ({ perSecond }) => count(perSecond)),
        number('In flight', ({ running }) => count(running)),
        time('Median', ({ p50 }) => p50),
        time('95 %', ({ p95 }) => p95),
        time('99 %', ({ p99 }) => p99),
        time('Longest', ({ most }) => most),
        number('Errors', ({ errors }) => count(errors)),
        number('Calls', ({ calls }) => count(calls)),
      ],
      'There were no calls since this page was opened.',
      ({ errors }) => (errors > 0 ? 'failed' : ''),
    );
    this.element = make('section', {}, this.#table.element, this.#refusals);
  }

  tick({ methods, known, refusals, weight }: Overview): void {
    this.#table.show(methods);
    const hidden = known > methods.length ? `${count(known - methods.length)} further methods. ` : '';
    const refused = refusals.map(([reason, times]) => `${reason} ${count(times)}`).join(', ');
    const part = `The backend is busy: one of ${weight} activities is followed, and counts are estimates. `;
    setText(this.#refusals, (weight > 1 ? part : '') + hidden + (refused && `Refused: ${refused}.`));
  }
}
