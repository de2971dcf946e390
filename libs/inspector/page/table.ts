import { link, make, setText } from './dom.js';

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly isNumber?: boolean;
  /** The text of a cell. */
  text(row: Row): string;
  /** Is called when the cell is chosen. The cell is then a button. */
  choose?(row: Row): void;
  /** The name by which the rows are sorted, if they can be. */
  readonly order?: string;
}

/** How the rows are sorted. */
export interface Sorting {
  order: string;
  descending: boolean;
}

interface Line<Row> {
  row: Row;
  readonly element: HTMLTableRowElement;
  readonly cells: readonly Element[];
}

/** A table that changes in place: an update touches only the cells whose text is another one. */
export class Table<Row> {
  readonly element: HTMLElement;
  readonly #body = make('tbody');
  readonly #empty = make('p', { className: 'empty' });
  readonly #lines: Line<Row>[] = [];
  readonly #heads = new Map<string, HTMLTableCellElement>();

  /**
   * @param caption names the table for screen readers
   * @param nothing a text for a table without rows
   * @param sorted is called when the user chooses another order
   */
  constructor(
    caption: string,
    private readonly columns: readonly Column<Row>[],
    nothing: string,
    private readonly stateOf: (row: Row) => string = () => '',
    private readonly sorting?: Sorting,
    private readonly sorted: () => void = () => undefined,
  ) {
    const head = make('tr', {}, ...columns.map((column) => this.#head(column)));
    const table = make('table', {}, make('caption', {}, caption), make('thead', {}, head), this.#body);
    this.#empty.textContent = nothing;
    this.element = make('div', { className: 'scroll', tabIndex: 0 }, table, this.#empty);
    this.element.setAttribute('role', 'region');
    this.element.setAttribute('aria-label', caption);
    this.#showSorting();
  }

  /** Shows rows. The nth row takes the place of the nth row before. */
  show(rows: readonly Row[]): void {
    for (const [i, row] of rows.entries()) {
      const line = this.#lines[i] ?? this.#add(row);
      line.row = row;
      for (const [j, column] of this.columns.entries()) {
        const text = column.text(row);
        const cell = line.cells[j]!;
        setText(cell, text);
        // A long one is cut.
        if (cell instanceof HTMLButtonElement && cell.title !== text) cell.title = text;
      }
      const state = this.stateOf(row);
      if (line.element.dataset['state'] !== state) line.element.dataset['state'] = state;
    }
    for (const { element } of this.#lines.splice(rows.length)) element.remove();
    this.#empty.hidden = rows.length > 0;
  }

  #add(row: Row): Line<Row> {
    const element = make('tr');
    const cells = this.columns.map((column) => {
      const cell = make('td', { className: column.isNumber ? 'number' : '' });
      element.append(cell);
      if (!column.choose) return cell;
      const button = link('', () => column.choose?.(line.row));
      cell.append(button);
      return button;
    });
    const line: Line<Row> = { row, element, cells };
    this.#body.append(element);
    this.#lines.push(line);
    return line;
  }

  #head({ title, order, isNumber }: Column<Row>): HTMLTableCellElement {
    const cell = make('th', { scope: 'col', className: isNumber ? 'number' : '' });
    if (order === undefined) cell.append(title);
    else {
      this.#heads.set(order, cell);
      cell.append(link(title, () => this.#sort(order)));
    }
    return cell;
  }

  #sort(order: string): void {
    const { sorting } = this;
    if (!sorting) return;
    // Numbers are most interesting where they are large.
    sorting.descending = sorting.order === order ? !sorting.descending : true;
    sorting.order = order;
    this.#showSorting();
    this.sorted();
  }

  #showSorting(): void {
    for (const [order, cell] of this.#heads) {
      if (order === this.sorting?.order)
        cell.setAttribute('aria-sort', this.sorting.descending ? 'descending' : 'ascending');
      else cell.removeAttribute('aria-sort');
    }
  }
}
