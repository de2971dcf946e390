// Results as Markdown.
import { cpus, totalmem } from 'node:os';

export function machine({ pinned, rounds }) {
  const model = cpus()[0]?.model ?? 'unknown processor';
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const place = pinned ? 'server and load each pinned to a core' : 'server and load not pinned';
  const date = new Date().toISOString().slice(0, 10);
  return (
    `${model}, ${cpus().length} cores, ${memory}; ${process.platform} ${process.arch}; ` +
    `Node ${process.version}; ${date}; ${place}; medians of ${rounds} interleaved rounds.`
  );
}

/** The table of one case. Ratios are medians of the rounds' ratios to the raw server in the same round. */
export function table({ id, title, transfer }, results) {
  const columns = transfer
    ? ['server', 'CPU per transfer', 'to raw', 'goal', 'peak memory', 'MiB/s']
    : ['server', 'requests/s', 'to raw', 'goal', 'CPU per request', 'CPU to raw'];
  const raw = results[0].rounds;
  const rows = results.map(({ row, rounds }) => {
    const ratio = (of) => ratioToRaw(rounds, raw, of);
    if (transfer)
      return [
        nameOf(row),
        `${(median(rounds.map(cpu)) / 1000).toFixed(1)} ms`,
        ratio(cpu).toFixed(2),
        goalOf(row, ratio(cpu), (value, goal) => value <= goal),
        `${Math.round(Math.max(...rounds.map(({ peakKiB }) => peakKiB)) / 1024)} MiB`,
        Math.round(32 * median(rounds.map(rate))),
      ];
    return [
      nameOf(row),
      Math.round(median(rounds.map(rate))).toLocaleString('en'),
      ratio(rate).toFixed(2),
      goalOf(row, ratio(rate), (value, goal) => value >= goal),
      `${median(rounds.map(cpu)).toFixed(1)} µs`,
      ratio(cpu).toFixed(2),
    ];
  });
  const lines = [`### (${id}) ${title}`, '', ...markdown(columns, rows)];
  return [...lines, ...(transfer ? [] : disturbance(raw))].join('\n');
}

const rate = ({ requests, seconds }) => requests / seconds;
const cpu = ({ requests, cpuMicros }) => cpuMicros / requests;

function ratioToRaw(rounds, raw, of) {
  return median(rounds.map((round, i) => of(round) / of(raw[i])));
}

function nameOf({ server, note }) {
  return note ? `${server}, ${note}` : server;
}

function markdown(columns, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)];
}

/** One line for each server, one column for each case: ratios to the raw server. */
export function summary(measured) {
  const names = new Set(measured.flatMap(({ results }) => results.map(({ row }) => nameOf(row))));
  const heading = measured.map(({ one: { id, transfer } }) => `(${id})${transfer ? ' CPU' : ''}`);
  const cell = (name, { one, results }) => {
    const result = results.find(({ row }) => nameOf(row) === name);
    return result ? ratioToRaw(result.rounds, results[0].rounds, one.transfer ? cpu : rate).toFixed(2) : '';
  };
  const rows = Array.from(names, (name) => [name].concat(measured.map((each) => cell(name, each))));
  return markdown(['server', ...heading], rows).join('\n');
}

/** Under load a server uses its core up; where it does not, something else did, and rates say little. */
function disturbance(raw) {
  const share = median(raw.map(({ cpuMicros, seconds }) => cpuMicros / 1e6 / seconds));
  if (share > 0.9) return [];
  const percent = Math.round(share * 100);
  return [
    '',
    `Disturbed: the raw server had ${percent} % of a core. CPU times are more to be trusted than rates.`,
  ];
}

function goalOf({ goal }, value, isMet) {
  if (goal === undefined) return '';
  // Judged as printed.
  const met = isMet(Number(value.toFixed(2)), goal);
  return `${goal.toFixed(2)} ${met ? 'met' : '**not met**'}`;
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
