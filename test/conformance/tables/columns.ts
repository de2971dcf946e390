// The matrix of guarantees has a row for each promise and a column for each way to reach a backend. A column is run whole
// where a codec of its own writes and reads the values: one HTTP adapter, and over IPC the compatible wire, the durable wire
// as text, and the durable wire as structured clone. The other columns only carry the same neutral record to the same codec.
// For them a sample of the rows shows that nothing is lost on the way.

/** The HTTP adapter whose columns are run whole. */
export const WHOLE_ADAPTER = 'stock Express';

/** Every sixth row: the tables are ordered by kind, and no kind has fewer rows. */
const SAMPLED = 6;

/** The rows of a table that a column runs: all of them, or the sample. */
export function rowsOf<Row>(rows: readonly Row[], isWhole: boolean): Row[] {
  return isWhole ? [...rows] : rows.filter((_row, i) => i % SAMPLED === 0);
}
