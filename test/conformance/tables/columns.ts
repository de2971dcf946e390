// The matrix of guarantees has a row for each promise and a column for each way to reach a backend. A column is run whole
// where a codec of its own writes and reads the values: over HTTP one adapter of Nest and one server without it, NATS, and over IPC the compatible wire, the durable wire
// as text, and the durable wire as structured clone. The other columns only carry the same neutral record to the same codec.
// For them a sample of one row of each kind shows that nothing is lost on the way.

/** The adapter of Nest whose columns are run whole. */
export const WHOLE_ADAPTER = 'stock Express';
/** The server without Nest whose columns are run whole. */
export const WHOLE_PLAIN = 'node:http';

/** The sample of each table: the kind of a row, and the name of the row that stands for it. */
const samples = {
  values: {
    'no value': 'nothing',
    'a number': 'infinities',
    'a text': 'emoji',
    'a list': 'a list with gaps',
    'an object': 'an object of a class',
    'an object that JSON converts': 'a date',
    bytes: 'many bytes',
    'bytes in an object': 'no bytes between bytes',
  },
  'refused values': {
    'a cycle': 'a cycle beside bytes',
    'a BigInt': 'a BigInt',
    'an object that JSON empties': 'Map in a list',
  },
  // RPC over HTTP refuses some values that IPC carries.
  'values that RPC refuses': {
    'a cycle': 'a cycle beside bytes',
    'a BigInt': 'a BigInt',
    'an object that JSON empties': 'Map in a list',
    'bytes that IPC alone carries': 'a Float64Array',
  },
  errors: {
    'a numbered error': 'IModelError',
    'an error of an exposed class': 'an exposed class',
    'an exception of Nest': 'HttpException',
    'an error with a time to retry': 'TransientError',
    'a hidden error': 'an error of the system',
    'a thrown value that is not an error': 'a text',
  },
  failures: {
    'a value that is not an error': 'undefined',
    'an error that JSON cannot write': 'an error with a cycle',
    'an error that cannot be read': 'an error that throws',
  },
  'kinds of bytes': {
    'elements of one byte': 'Int8Array',
    'elements of many bytes': 'Float64Array',
  },
} as const;

/**
 * The rows of a table that a column runs: all of them, or the sample.
 *
 * @throws Error if a row of the sample is not in the table
 */
export function rowsOf<Row extends string | { readonly name: string }>(
  table: keyof typeof samples,
  rows: readonly Row[],
  isWhole: boolean,
): Row[] {
  if (isWhole) return [...rows];
  return Object.entries<string>(samples[table]).map(([kind, name]) => {
    const row = rows.find((each) => name === (typeof each === 'string' ? each : each.name));
    if (!row) throw new Error(`"${name}", the sample of "${kind}", is not in the table of ${table}.`);
    return row;
  });
}
