// Packs the libraries, and looks at them as a user gets them: what they say of themselves, in a Nest application that is an
// ES module and in one that is CommonJS, on every release of Node, and in a page.
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileFunction, createContext } from 'node:vm';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';
import { entries, root } from './entries.mjs';
import { nodes } from './nodes.mjs';
import { npm } from './npm.mjs';
import { ensurePackages, pack, packages } from './packages.mjs';

const DEADLINE_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'linnet-packages-'));
const browserPath =
  process.env.CHROMIUM ??
  ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/chromium-browser'].find((path) =>
    existsSync(path),
  );
let failed = 0;

function result(name, problems) {
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'}  ${name}`);
  for (const problem of problems) console.error(`        ${problem}`);
  if (problems.length > 0) failed++;
}

/** Runs a step whose failure is all that it has to say. */
async function check(name, step) {
  const problem = await step().then(
    () => undefined,
    (error) => error.message,
  );
  result(name, problem === undefined ? [] : [problem]);
}

/** The findings of publint and "Are the types wrong?" that are expected of a package with ES modules only. */
async function lint({ name }, tarball) {
  const bytes = readFileSync(tarball);
  const { messages, pkg } = await publint({ pack: { tarball: Uint8Array.from(bytes).buffer }, strict: true });
  result(
    `publint ${name}`,
    messages.map((message) => formatMessage(message, pkg)),
  );
  const { problems } = await checkPackage(createPackageFromTarballData(bytes));
  const expected = ['node10', 'node16-cjs'];
  result(
    `attw ${name}`,
    problems
      .filter(({ resolutionKind }) => !expected.includes(resolutionKind))
      .map((problem) => JSON.stringify(problem)),
  );
}

const installed = (name) =>
  JSON.parse(readFileSync(`${root}node_modules/${name}/package.json`, 'utf8')).version;

/** Runs a preload script as windows with a sandbox do: a plain script, which finds `electron`, and arguments in `process`. */
async function runPreload(entry, argv, expected) {
  const script = readFileSync(createRequire(join(folder, 'package.json')).resolve(entry), 'utf8');
  const exposed = {};
  const electron = {
    contextBridge: { exposeInMainWorld: (name, api) => (exposed[name] = Object.keys(api)) },
    ipcRenderer: {},
  };
  const require = (name) => {
    if (name !== 'electron') throw new Error(`module not found: ${name}`);
    return electron;
  };
  const parsingContext = createContext({ process: { argv } });
  compileFunction(script, ['require', 'exports', 'module'], { parsingContext })(require, {}, {});
  if (JSON.stringify(exposed) !== expected) throw new Error(JSON.stringify(exposed));
}

/** Two applications with the same sources; what is a module there is said by their `type`. */
function install(tarballs) {
  const others = [
    '@nestjs/common',
    '@nestjs/core',
    '@nestjs/platform-express',
    // For the entries that need it.
    '@opentelemetry/api',
    'reflect-metadata',
    'rxjs',
    '@types/express',
    '@types/node',
  ];
  const dependencies = Object.fromEntries([
    ...packages.map(({ name }, i) => [name, `file:${tarballs[i]}`]),
    ...others.map((name) => [name, installed(name)]),
  ]);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  const args = [
    'install',
    '--ignore-scripts',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const { status } = npm(args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error('The packages cannot be installed.');
}

function tsc(project, compilerOptions, include) {
  const config = join(project, `tsconfig.${include}.json`);
  writeFileSync(
    config,
    JSON.stringify({
      compilerOptions: { strict: true, target: 'ES2022', experimentalDecorators: true, ...compilerOptions },
      include: [include],
    }),
  );
  const { status, stdout } = spawnSync(
    process.execPath,
    [`${root}node_modules/typescript/bin/tsc`, '-p', config],
    { encoding: 'utf8' },
  );
  result(`types of ${project.slice(folder.length + 1)}/${include}`, status === 0 ? [] : [stdout]);
}

function makeApplication(type) {
  const project = join(folder, type);
  cpSync(`${root}test/packages`, project, { recursive: true, filter: (file) => !file.endsWith('.json') });
  // Nothing of it is used: it is compiled against the declarations of every entry, and loads each of them.
  const modules = entries.filter(({ source }) => source.endsWith('.ts'));
  const everything = modules.map(({ name }, i) => `export * as entry${i} from '${name}';\n`);
  writeFileSync(join(project, 'application/everything.ts'), everything.join(''));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type }));
  tsc(
    project,
    {
      module: 'NodeNext',
      emitDecoratorMetadata: true,
      types: ['node'],
      rootDir: 'application',
      outDir: 'dist',
    },
    'application',
  );
  return project;
}

/** Starts the application, and gives `use` its port. */
async function serve(project, node, use) {
  const server = fork(join(project, 'dist/main.js'), { execPath: node, execArgv: [] });
  const ended = once(server, 'exit');
  const signal = AbortSignal.timeout(DEADLINE_MS);
  try {
    const [port] = await Promise.race([
      once(server, 'message', { signal }),
      ended.then(([code]) => {
        throw new Error(`The application ended with ${code}.`);
      }),
    ]);
    await use(String(port));
  } finally {
    if (server.connected) server.disconnect();
    const timer = setTimeout(() => server.kill('SIGKILL'), DEADLINE_MS);
    await ended;
    clearTimeout(timer);
  }
}

function run(node, args, cwd) {
  const { status, stderr } = spawnSync(node, args, { cwd, encoding: 'utf8', timeout: DEADLINE_MS });
  if (status !== 0) throw new Error(stderr);
}

/** Opens the page, as Vite has built it: its title says what its calls came to. */
async function openPage(config, port) {
  const server = await preview({ ...config, preview: { host: '127.0.0.1' } });
  const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
  try {
    const tab = await browser.newPage();
    await tab.goto(`${server.resolvedUrls.local[0]}?port=${port}`);
    await tab.waitForFunction(() => document.title !== 'waiting', undefined, { timeout: DEADLINE_MS });
    const title = await tab.title();
    if (title !== '3, counted to 2') throw new Error(title);
  } finally {
    await browser.close();
    await server.close();
  }
}

await ensurePackages();
try {
  const tarballs = packages.map((one) => pack(one, folder));
  for (const [i, one] of packages.entries()) await lint(one, tarballs[i]);
  install(tarballs);
  const [esm, commonJs] = ['module', 'commonjs'].map(makeApplication);
  tsc(
    esm,
    { module: 'ESNext', moduleResolution: 'Bundler', lib: ['ES2023', 'DOM'], types: [], noEmit: true },
    'page',
  );
  for (const { release, path } of nodes()) {
    for (const [project, how] of [
      [esm, 'imports'],
      [commonJs, 'requires'],
    ]) {
      await check(`Node ${release} ${how} every entry`, async () =>
        run(path, ['dist/everything.js'], project),
      );
      await check(`Node ${release} serves and calls a Nest application that ${how} the packages`, () =>
        serve(project, path, async (port) => run(path, ['dist/client.js', port], project)),
      );
    }
  }
  const preload = '@linnet/electron/preload';
  const bridge = '"linnet":["send","listen"]';
  const itwinjs = '"itwinjs":["send","invoke","addListener","once","removeListener"]';
  await check('a window runs the preload script', () => runPreload(preload, [], `{${bridge}}`));
  await check('a window for pages of iTwin.js runs the preload script', () =>
    runPreload(preload, ['--linnet-itwinjs'], `{${bridge},${itwinjs}}`),
  );
  const config = { root: join(esm, 'page'), configFile: false, logLevel: 'warn' };
  await check('Vite builds a page', () => build(config));
  const usePage = () => serve(esm, process.execPath, (port) => openPage(config, port));
  if (browserPath) await check('the page calls', usePage);
  else console.warn('The page is not opened: no Chromium here (CHROMIUM may name one).');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;
