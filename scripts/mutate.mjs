// Measures how many small faults in the protocol code the tests detect (docs/mutation.md).
import { execFileSync, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mutantsOf, SOURCE_CHANGED } from './mutation/mutants.mjs';

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    sample: { type: 'string', default: '450' },
    file: { type: 'string', default: '' },
    again: { type: 'boolean', default: false },
    reuse: { type: 'boolean', default: false },
  },
});

const root = fileURLToPath(new URL('..', import.meta.url));
const reachedFile = `${root}coverage/mutation-reached.json`;
const resultFile = `${root}coverage/mutation.json`;

const targets = [
  /^libs\/common\/src\/value\/(?:\w+\.codec|multipart\.reader|value\.copier)\.ts$/,
  /^libs\/common\/src\/error\/error\.\w+\.ts$/,
  /^libs\/common\/src\/http\/protocol\/(?:url|arguments|content)\.reader\.ts$/,
  /^libs\/common\/src\/http\/protocol\/(?:reply\.writer|token\.inflation)\.ts$/,
  /^libs\/common\/src\/rpc\/(?:server\/dispatcher|definition\/version|definition\/token)\.ts$/,
  /^libs\/common\/src\/ipc\/(?:message|wire)\/[\w./]+\.ts$/,
  /^libs\/backend\/src\/nest\/pipeline\/(?:handler\.pipeline|exception\.filters|interceptor\.chain)\.ts$/,
];
/** Specs that start no browser and no process of their own. */
const specs = [
  /^libs\/(?:common|backend)\/src\/.*\.spec\.ts$/,
  /^test\/(?:conformance|hostile|ipc\/(?:client|nest|wire)|rpc)\/.*\.spec\.ts$/,
];

/**
 * Milliseconds of specs that run for one mutant, longest duration of a spec, and how many times as long it may take on a
 * busy machine. Bytes that the worker may hold.
 */
const BUDGET = 15_000;
const SLOWEST_SPEC = 10_000;
const BUSY = 6;
const WORKER_MEMORY = 700_000_000;

const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
const matching = (patterns) => tracked.filter((path) => patterns.some((pattern) => pattern.test(path)));
const sources = matching(targets).filter((path) => !path.endsWith('.spec.ts'));
const read = (path, otherwise) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : otherwise);
const write = (path, value) => {
  mkdirSync(`${root}coverage`, { recursive: true });
  writeFileSync(path, JSON.stringify(value, undefined, 1));
};

const PROCESS_ENDED = 'the process ended';

let worker;

/** Runs a spec in the worker process. A worker that ends or takes too long counts as a failure. */
async function runSpec(job, timeout) {
  worker ??= fork(`${root}scripts/mutation/worker.mjs`, {
    cwd: root,
    execArgv: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const current = worker;
  let timer;
  const result = await new Promise((resolve) => {
    timer = setTimeout(() => resolve({ failed: 'time-out', ended: true }), timeout);
    current.once('message', resolve);
    current.once('exit', () => resolve({ failed: PROCESS_ENDED, ended: true }));
    current.send(job);
  });
  clearTimeout(timer);
  current.removeAllListeners();
  // Modules that Jest loads as ESM are never freed.
  if (result.ended || result.memory > WORKER_MEMORY) restart();
  return result;
}

/** Ends the run: its results would not describe the code. */
function stop(file) {
  restart();
  throw new Error(`${file}: ${SOURCE_CHANGED} Run it again on a checkout that nothing changes.`);
}

function restart() {
  worker?.kill('SIGKILL');
  worker = undefined;
}

/** Runs every spec once without a mutant. @returns by spec: duration, statements reached, tests that fail */
async function reachedBySpecs() {
  const known = options.reuse ? read(reachedFile, {}) : {};
  for (const spec of matching(specs)) {
    const hash = createHash('sha1')
      .update(readFileSync(root + spec))
      .digest('hex');
    if (known[spec]?.hash === hash) continue;
    const timeout = BUSY * SLOWEST_SPEC;
    const counted = await runSpec({ spec, counted: sources }, timeout);
    // Counters make loops slow, so a spec that seems to take long runs once more without them.
    const isSlow = counted.passed > 0 && counted.ms >= SLOWEST_SPEC;
    const result = isSlow ? await runSpec({ spec }, timeout) : counted;
    const { failed, ms = SLOWEST_SPEC, failures: skipped = [] } = result;
    const places = counted.passed > 0 ? counted.reached : [];
    known[spec] = { hash, ms, skipped, reached: places };
    console.log(
      `${ms} ms, ${places.length} statements: ${spec}${failed ? ` (without "${skipped.join('", "') || failed}")` : ''}`,
    );
    write(reachedFile, known);
  }
  return known;
}

/**
 * Draws from each file in proportion to its mutants, but at least some; the draw depends on the file and the seed alone.
 *
 * @returns mutants of all files in a mixed order, so that a run that is stopped early has tried some of every folder
 */
function draw() {
  const all = sources.map((file) => mutantsOf(file, readFileSync(root + file, 'utf8')));
  const total = all.reduce((sum, mutants) => sum + mutants.length, 0);
  const rank = ({ id }) => createHash('sha1').update(`${options.seed} ${id}`).digest('hex');
  const byRank = (a, b) => (a.rank < b.rank ? -1 : 1);
  return all
    .map((mutants) => mutants.map((mutant) => ({ mutant, rank: rank(mutant) })).toSorted(byRank))
    .flatMap((ranked) => {
      const count = Math.max(6, Math.round((ranked.length * Number(options.sample)) / total));
      return ranked.slice(0, count).map(({ mutant }, index) => ({ mutant, rank: (index + 1) / count }));
    })
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ mutant }) => mutant);
}

/** Mutants killed, by `file spec`. */
const kills = new Map();

async function test(mutant, reached) {
  const own = mutant.file.replace(/\.ts$/, '.spec.ts');
  const rank = (spec) =>
    (kills.get(`${mutant.file} ${spec}`) ?? 0) + Number(spec.startsWith('libs')) + 10 * Number(spec === own);
  const covering = Object.entries(reached)
    .filter(([, { reached: places }]) => places.includes(`${mutant.file}:${mutant.covered}`))
    .filter(([, { ms }]) => ms < SLOWEST_SPEC)
    // Specs beside the sources are short and check one thing; the spec of the same file comes first. Next come specs that
    // killed mutants of the same file.
    .toSorted(([a, x], [b, y]) => rank(b) - rank(a) || x.ms - y.ms);
  if (covering.length === 0) return { status: 'uncovered' };
  let spent = 0;
  for (const [spec, { ms, skipped }] of covering) {
    spent += ms;
    if (spent > BUDGET) break;
    const job = { spec, mutant, skipped };
    const timeout = 20_000 + BUSY * ms;
    let result = await runSpec(job, timeout);
    // Tests that open connections may fail on a busy machine, and an earlier mutant may have left behind what ends the
    // process: such a failure must repeat.
    const isDoubtful = !spec.startsWith('libs') || result.failed === PROCESS_ENDED;
    if (result.failed && isDoubtful) result = await runSpec(job, timeout);
    // Such a result is neither a kill nor a survivor, and those before it may be wrong as well.
    if (result.message?.includes(SOURCE_CHANGED)) stop(mutant.file);
    if (result.isSyntaxError) return { status: 'invalid', message: result.message };
    if (!result.failed) continue;
    const key = `${mutant.file} ${spec}`;
    kills.set(key, (kills.get(key) ?? 0) + 1);
    return { status: 'killed', spec, by: result.failed, message: result.message };
  }
  return { status: 'survived', specs: covering.length };
}

const reached = await reachedBySpecs();
const earlier = read(resultFile, { results: {} }).results;
const drawn = draw();
const results = {};
for (const [index, mutant] of drawn.entries()) {
  const { id, place, was, text } = mutant;
  const isAsked = new RegExp(options.file).test(id) && !(options.again && earlier[id]?.status === 'killed');
  const started = performance.now();
  const result = isAsked ? await test(mutant, reached) : earlier[id];
  if (!result) continue;
  results[id] = { ...result, place, was, text };
  if (!isAsked) continue;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const shown = (code) => code.replace(/\s+/g, ' ').slice(0, 60);
  console.log(
    `${index + 1}/${drawn.length} ${result.status} ${place} ${shown(was)} → ${shown(text)} (${seconds} s${result.by ? `, ${result.by}` : ''})`,
  );
  write(resultFile, { seed: options.seed, results: { ...earlier, ...results } });
}
write(resultFile, { seed: options.seed, results });
restart();

const rows = sources.map((file) => {
  const own = Object.entries(results).filter(([id]) => id.startsWith(`${file}#`));
  const count = (status) => own.filter(([, result]) => result.status === status).length;
  return { file, killed: count('killed'), survived: count('survived') + count('uncovered') };
});
rows.push({
  file: 'all',
  killed: rows.reduce((sum, row) => sum + row.killed, 0),
  survived: rows.reduce((sum, row) => sum + row.survived, 0),
});
for (const { file, killed, survived } of rows) {
  const share = killed + survived > 0 ? ((100 * killed) / (killed + survived)).toFixed(1) : '–';
  console.log(`${file}: ${killed} of ${killed + survived} killed (${share} %)`);
}
