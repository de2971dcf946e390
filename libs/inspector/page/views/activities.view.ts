import type { ActivityRow } from '../../src/channel/inspector.ipc.js';
import { make } from '../dom.js';
import { clock, count } from '../format.js';
import { Table } from '../table.js';
import type { Column } from '../table.js';
import type { PageContext, View } from '../view.js';

/** The columns of activities. */
export function activityColumns(page: PageContext): Column<ActivityRow>[] {
  return [
    { title: 'Began', text: ({ start }) => clock(start) },
    { title: 'First call', text: ({ name }) => name },
    { title: 'Activity', text: ({ id }) => id, choose: ({ id }) => page.showActivity(id) },
    { title: 'Calls', isNumber: true, text: ({ calls }) => count(calls) },
  ];
}

/** The latest activities. */
export class ActivitiesView implements View {
  readonly title = 'Activities';
  readonly element: HTMLElement;
  readonly #table: Table<ActivityRow>;

  constructor(private readonly page: PageContext) {
    this.#table = new Table<ActivityRow>(
      'The latest activities',
      activityColumns(page),
      'There was no activity since this page was opened.',
      ({ failed }) => (failed ? 'failed' : ''),
    );
    this.element = make('section', {}, this.#table.element);
  }

  async tick(): Promise<void> {
    this.#table.show(await this.page.inspector.activities());
  }
}
