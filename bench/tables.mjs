// Results as Markdown.
import { cpus, loadavg, totalmem } from 'node:os';

/** Before this run, which begins with the compiler. */
const [load] = loadavg();

/** Describes the machine and the run. @param pinned absent without a load */
export function machine({ pinned, rounds }) {
  const model = cpus()[0]?.model ?? 'unknown processor';
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const places = { true: 'server and load each pinned to a core; ', false: 'server and load not pinned; ' };
  const place = `${places[pinned] ?? ''}load average ${load.toFixed(1)} before`;
  const date = new Date().toISOString().slice(0, 10);
  return (
    `${model}, ${cpus().length} cores, ${memory}; ${process.platform} ${process.arch}; ` +
    `Node ${process.version}; ${date}; ${place}; medians of ${rounds} interleaved rounds.`
  );
}

/** The table of one case. Ratios are medians of the rounds' ratios to the raw server in the same round. */
export function table(one, results, { mebibytes }) {
  const { id, title, transfer, sessions } = one;
  const [columns, rowOf] = one.isAlone
    ? latencies()
    : sessions
      ? memories(one)
      : transfer
        ? transfers(one.isStream ? mebibytes : 32)
        : rates(one);
  const raw = results[0].rounds;
  const rows = results.map(({ row, rounds }) => [
    nameOf(row),
    ...rowOf(withGoal(row, results), rounds, (of) => ratioToRaw(rounds, raw, of)),
  ]);
  const lines = [`### (${id}) ${title}`, '', ...markdown(['server', ...columns], rows)];
  return [...lines, ...(transfer || sessions || one.isAlone || one.paced ? [] : disturbances(results))].join(
    '\n',
  );
}

/** A goal may be a part of the rate that the same server has with another operation. */
function withGoal(row, results) {
  if (!row.goalTo) return row;
  const other = results.find(
    (each) => each.row.server === row.server && each.row.operation === row.goalTo.operation,
  );
  return { ...row, goal: row.goalTo.least * ratioToRaw(other.rounds, results[0].rounds, rate) };
}

function rates({ units: [units, unit] = ['requests', 'request'], rows }) {
  const hasCpuGoal = rows.some(({ cpuGoal }) => cpuGoal !== undefined);
  const columns = [`${units}/s`, 'to raw', 'goal', `CPU per ${unit}`, 'CPU to raw'];
  const rowOf = (row, rounds, ratio) => [
    Math.round(median(rounds.map(rate))).toLocaleString('en'),
    ratio(rate).toFixed(2),
    goalOf(row.goal, ratio(rate), (value, goal) => value >= goal),
    `${median(rounds.map(cpu)).toFixed(1)} µs`,
    ratio(cpu).toFixed(2),
    ...(hasCpuGoal ? [goalOf(row.cpuGoal, ratio(cpu), (value, goal) => value <= goal)] : []),
  ];
  return [hasCpuGoal ? [...columns, 'CPU goal'] : columns, rowOf];
}

function transfers(mebibytesEach) {
  const columns = ['CPU per transfer', 'to raw', 'goal', 'peak memory', 'MiB/s'];
  const rowOf = (row, rounds, ratio) => [
    `${(median(rounds.map(cpu)) / 1000).toFixed(1)} ms`,
    ratio(cpu).toFixed(2),
    goalOf(row.goal, ratio(cpu), (value, goal) => value <= goal),
    mebibytes(Math.max(...rounds.map(({ peakKiB }) => peakKiB)) * 1024),
    Math.round(mebibytesEach * median(rounds.map(rate))),
  ];
  return [columns, rowOf];
}

function memories({ sessions }) {
  const columns = [
    'with none',
    `with ${sessions.toLocaleString('en')}`,
    'each',
    'to raw',
    'in use by each',
    'to raw',
  ];
  const rowOf = (_row, rounds, ratio) => [
    mebibytes(median(rounds.map(({ before }) => before.rss))),
    mebibytes(median(rounds.map(({ after }) => after.rss))),
    kibibytes(median(rounds.map(resident))),
    ratio(resident).toFixed(2),
    kibibytes(median(rounds.map(inUse))),
    ratio(inUse).toFixed(2),
  ];
  return [columns, rowOf];
}

function latencies() {
  const columns = [
    'p99 alone',
    'p99 beside the stream',
    'ratio',
    'goal',
    'growth, server',
    'growth, client',
    'cuts',
  ];
  const rowOf = (row, rounds) => {
    const ratio = median(rounds.map(({ idle, busy }) => busy / idle));
    return [
      `${median(rounds.map(({ idle }) => idle)).toFixed(1)} ms`,
      `${median(rounds.map(({ busy }) => busy)).toFixed(1)} ms`,
      ratio.toFixed(2),
      goalOf(row.goal, ratio, (value, goal) => value <= goal),
      mebibytes(Math.max(...rounds.map(({ growth }) => growth.server))),
      mebibytes(Math.max(...rounds.map(({ growth }) => growth.client))),
      median(rounds.map(({ cuts }) => cuts)),
    ];
  };
  return [columns, rowOf];
}

const rate = ({ requests, seconds }) => requests / seconds;
const cpu = ({ requests, cpuMicros }) => cpuMicros / requests;
const resident = ({ sessions, before, after }) => (after.rss - before.rss) / sessions;
const inUse = ({ sessions, before, after }) => (after.used - before.used) / sessions;
const mebibytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;
const kibibytes = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;

function ratioToRaw(rounds, raw, of) {
  return median(rounds.map((round, i) => of(round) / of(raw[i])));
}

function nameOf({ server, note }) {
  return note ? `${server}, ${note}` : server;
}

/** The lines of a table whose first column has names. */
export function markdown(columns, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)];
}

/** One line for each server, one column for each case (two where CPU time has a goal): ratios to the raw server. */
export function summary(measured) {
  const names = new Set(measured.flatMap(({ results }) => results.map(({ row }) => nameOf(row))));
  const columns = measured.flatMap(summaryColumns);
  const rows = Array.from(names, (name) => [name, ...columns.map(({ cell }) => cell(name))]);
  return markdown(['server', ...columns.map(({ heading }) => heading)], rows).join('\n');
}

function summaryColumns({ one, results }) {
  const column = (heading, of) => ({
    heading,
    cell: (name) => {
      const result = results.find(({ row }) => nameOf(row) === name);
      return result ? ratioToRaw(result.rounds, results[0].rounds, of).toFixed(2) : '';
    },
  });
  if (one.sessions) return [column(`(${one.id}) memory`, inUse)];
  if (one.transfer) return [column(`(${one.id}) CPU`, cpu)];
  const both = [column(`(${one.id})`, rate), column(`(${one.id}) CPU`, cpu)];
  return one.rows.some(({ cpuGoal }) => cpuGoal !== undefined) ? both : both.slice(0, 1);
}

/** Under load a server uses its core up; where it does not, something else was the limit, and rates say little. */
function disturbances(results) {
  const lines = results.flatMap(({ row, rounds }) => {
    const share = shareOfCore(rounds, ({ cpuMicros }) => cpuMicros);
    const load = shareOfCore(rounds, ({ loadMicros }) => loadMicros);
    if (share > 90) return [];
    const limit = load > 90 ? '; the load was the limit' : '';
    return [`- ${nameOf(row)}: ${share} % of a core, the load ${load} % of its own${limit}`];
  });
  if (lines.length === 0) return [];
  const heading =
    'Not busy all the time (disturbed, or waiting for the load), so that CPU times say more than rates:';
  return ['', heading, '', ...lines];
}

function shareOfCore(rounds, micros) {
  return Math.round(100 * median(rounds.map((round) => micros(round) / 1e6 / round.seconds)));
}

function goalOf(goal, value, isMet) {
  if (goal === undefined) return '';
  // Judged as printed.
  const met = isMet(Number(value.toFixed(2)), goal);
  return `${goal.toFixed(2)} ${met ? 'met' : '**not met**'}`;
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
