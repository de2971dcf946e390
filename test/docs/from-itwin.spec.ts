import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import ts from 'typescript';
import { endOf } from '../harness/child.end.js';
import { freePort } from '../harness/free.port.js';
import { listening } from '../harness/waiting.js';
import { installReference } from '../reference/start.js';
import { blocksOf, extracted, placeOf, readGuide, root } from './guide.js';
import { writeGuide } from './guide.run.js';

// The backend of docs/from-itwin.md as it was and as it has become: the frontends that stay print the same with both.

const guide = readGuide('docs/from-itwin.md');
const missing = installReference();
// eslint-disable-next-line no-console -- who reads the report has to know what it does not say
if (missing) console.warn(`The backend that docs/from-itwin.md moves is not run: ${missing}.`);

/** Where the packages of the reference are found. */
const place = join(root, 'test/reference/extracted');

/** The files of the guide as iTwin.js has them: those that stay, and those that are shown as they were. */
function writeOld(): void {
  for (const { language, code } of blocksOf(guide.text)) {
    const file = /^\/\/ ([\w./-]+\.ts)\b/.exec(code)?.[1];
    const isNew = language === 'ts' && /@linnet/.test(code);
    if (!file || isNew || !/^(ts|typescript)$/.test(language)) continue;
    const target = join(place, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    const { outputText } = ts.transpileModule(code, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    writeFileSync(target, outputText);
  }
}

const children: ChildProcess[] = [];

/** The output of a program until it ends. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, '--', ...args], {
    cwd: place,
  });
  children.push(child);
  const closed = once(child, 'close');
  const [printed, faults] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  if (child.exitCode !== 0) throw new Error(faults);
  return printed;
}

/** The frontend of step 5, at an address of its own. */
async function callAt(url: string): Promise<string> {
  const file = join(place, 'frontend/main.js');
  const code = readFileSync(file, 'utf8').replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, url);
  const own = join(place, `frontend/main-${new URL(url).port}.js`);
  writeFileSync(own, code);
  return run(`await import(${JSON.stringify(own)}); process.exit(0);`, []);
}

/** The page of step 5, without what draws. */
const page = `
  import { createRequire } from 'node:module';
  import { environment } from ${JSON.stringify(join(root, 'test/ipc/wire/itwin.frontend.environment.mjs'))};
  const load = createRequire(${JSON.stringify(join(root, 'test/'))});
  Object.assign(globalThis, environment(load('ws').WebSocket));
  // Before NoRenderApp, which is part of a circle.
  const { reserve } = await import(${JSON.stringify(join(place, 'frontend/reserve.js'))});
  const { EmptyLocalization } = load('@itwin/core-common');
  const { NullRenderSystem } = load('@itwin/core-frontend/lib/cjs/NoRenderApp');
  const iModelApp = { noRender: true, renderSys: new NullRenderSystem(), localization: new EmptyLocalization() };
  await reserve(new URL(process.argv.at(-1)), iModelApp);
  process.exit(0);
`;
const reserveAt = (url: string) => run(page, [url]);

/** The old backend; for its native addon stands in what is asked of it: how many cores there are. */
const withoutAddon = `
  import { createRequire } from 'node:module';
  const load = createRequire(${JSON.stringify(join(place, 'x.js'))});
  const { initializeRpcBackend } = load('@itwin/core-backend/lib/cjs/RpcBackend');
  const { IModelNative } = load('@itwin/core-backend/lib/cjs/internal/NativePlatform');
  Object.defineProperty(IModelNative, 'platform', { value: { queryConcurrency: () => 1 } });
  load('@itwin/core-backend').IModelHost.startup = async () => initializeRpcBackend();
  await import(${JSON.stringify(join(place, 'backend/main.js'))});
`;

async function startOld(): Promise<{ rpc: string; ipc: string }> {
  const [rpc, ipc] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, ['--input-type=module', '-e', withoutAddon], {
    cwd: place,
    env: { ...process.env, PORT: String(rpc), IPC_PORT: String(ipc) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
  await Promise.all([rpc, ipc].map(listening));
  return { rpc: `http://127.0.0.1:${rpc}`, ipc: `ws://127.0.0.1:${ipc}` };
}

describe('docs/from-itwin.md', () => {
  const reserved = '50 of nut are left\n50 are left to reserve\n';
  let moved: string;
  let written: { mockRestore(): void };
  beforeAll(async () => {
    // The application's own logger.
    written = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    const placed = await writeGuide(guide);
    moved = /127\.0\.0\.1:(\d+)/.exec(placed('127.0.0.1:3001'))![1]!;
    await import(placeOf(guide, 'backend/main.ts'));
    writeOld();
  }, 60_000);
  afterAll(async () => {
    await Promise.all(children.map((child) => endOf(child, 'SIGTERM')));
    const { app } = (await import(placeOf(guide, 'backend/main.ts'))) as { app: { close(): Promise<void> } };
    await app.close();
    written.mockRestore();
    rmSync(place, { recursive: true, force: true });
    rmSync(extracted, { recursive: true, force: true });
  });

  it('has a page whose frontend gets the same from the moved backend', async () => {
    expect(await reserveAt(`ws://127.0.0.1:${moved}/ipc`)).toBe(reserved);
  }, 60_000);

  (missing ? it.skip : it)(
    'has frontends that print the same with the old backend and with the moved backend',
    async () => {
      const old = await startOld();
      const calls = await callAt(old.rpc);
      expect(calls).toContain('The article washer does not exist.');
      expect(await callAt(`http://127.0.0.1:${moved}`)).toBe(calls);
      // Earlier tests have reserved places of the moved backend.
      expect(await reserveAt(old.ipc)).toBe(reserved);
    },
    60_000,
  );

  describe('tables', () => {
    const rows = [...guide.text.matchAll(/^\| (.*?) \| (.*?) \| (.*?) ?\|$/gm)].map(
      ([, ...cells]) => cells as [string, string, string],
    );
    const namesIn = (cell: string) => [...cell.matchAll(/`(\w+)/g)].map(([, name]) => name!);

    it.each(['core-common', 'core-frontend'])('name every public export of %s for RPC and IPC', (name) => {
      const named = new Set(rows.flatMap(([theirs]) => namesIn(theirs)));
      expect(publicNames(name).filter((each) => !named.has(each))).toEqual([]);
    });

    it('name only counterparts that exist', () => {
      const folder = join(root, 'docs/api');
      const api = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
      const offered = new Set(api.join('\n').match(/\w+/g));
      const ours = rows
        .filter(([, second]) => !second.startsWith('['))
        .flatMap(([, second]) => namesIn(second));
      expect(ours.length).toBeGreaterThan(40);
      expect(ours.filter((name) => !offered.has(name))).toEqual([]);
    });

    it('list the tests of each section of the iTwin.js documents, and no others', () => {
      const seeds = join(root, 'test/seeds');
      const specs = readdirSync(seeds).filter((file) => file.endsWith('.spec.ts'));
      const said = rows
        .filter(([section]) => section.includes(' › '))
        .flatMap(([section, , tests]) => namesWithDashes(tests).map((test) => `${section}: ${test}`));
      const tested = specs.flatMap((file) => {
        const code = readFileSync(join(seeds, file), 'utf8');
        const sections = [...code.matchAll(/'(R?I?pc (?:Interface|vs\. Ipc) › [^',:]+)/g)];
        return sections.map(([, section]) => `${section}: ${file.replace('.spec.ts', '')}`);
      });
      expect(said.toSorted()).toEqual([...new Set(tested)].toSorted());
    });
  });
});

const namesWithDashes = (cell: string) => [...cell.matchAll(/`([\w-]+)`/g)].map(([, name]) => name!);

/** The exports of RPC and IPC in the declarations of a package, without internal ones. */
function publicNames(name: string): string[] {
  const folder = join(root, 'node_modules/@itwin', name, 'lib/cjs');
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => /^(rpc\/|ipc\/|Rpc|IpcApp\.d|NativeApp\.d|LocalhostIpcApp)/.test(file))
    .filter((file) => file.endsWith('.d.ts') && existsSync(join(folder, file)));
  return files.flatMap((file) => {
    const code = readFileSync(join(folder, file), 'utf8');
    const source = ts.createSourceFile(file, code, ts.ScriptTarget.ESNext, true);
    return source.statements.flatMap((statement) => {
      const tags = ts.getJSDocTags(statement).map(({ tagName }) => tagName.text);
      const named = (statement as { name?: ts.Identifier }).name?.text;
      return named && (tags.includes('public') || tags.includes('beta')) ? [named] : [];
    });
  });
}
