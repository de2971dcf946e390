// The matrix of guarantees has a row for each promise and a column for each way to reach a backend. A column is run whole
// where a codec of its own writes and reads the values: over HTTP one adapter of Nest and one server without it, and over IPC the compatible wire, the durable wire
// as text, and the durable wire as structured clone. The other columns only carry the same neutral record to the same codec.
// For them a sample of the rows shows that nothing is lost on the way.

/** The adapter of Nest whose columns are run whole. */
export const WHOLE_ADAPTER = 'stock Express';
/** The server without Nest whose columns are run whole. */
export const WHOLE_PLAIN = 'node:http';

/** The sample is every sixth row, from the first on. It is fixed, so that a failure can be repeated. */
const SAMPLED = 6;

/** The rows of a table that a column runs: all of them, or the sample. */
export function rowsOf<Row>(rows: readonly Row[], isWhole: boolean): Row[] {
  return isWhole ? [...rows] : rows.filter((_row, i) => i % SAMPLED === 0);
}
