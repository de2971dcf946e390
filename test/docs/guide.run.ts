import { mkdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { Server as HttpServer, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Server } from 'node:net';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { expect, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { run } from '@linnet/cli';
import { IpcApp } from '@linnet/frontend';
import { freePort } from '../harness/free.port.js';
import { hasNats, startNats } from '../harness/nats.server.js';
import { blocksOf, placeOf, workersOf } from './guide.js';
import type { Guide } from './guide.js';
import { GuideWindows } from './guide.window.js';

/** Ports of guides are 3000 to 3099, wherever something listens or is asked. */
const port = /(?<=127\.0\.0\.1:|localhost:|listen\(|\?\? )30\d\d\b/g;

/** Writes the files of a guide, with ports that are free for those in it. */
export async function writeGuide(guide: Guide): Promise<(text: string) => string> {
  const ports = new Map<string, string>();
  for (const [known] of guide.text.matchAll(port))
    if (!ports.has(known)) ports.set(known, String(await freePort()));
  const placed = (text: string) => text.replaceAll(port, (known) => ports.get(known)!);
  for (const [file, code] of guide.files) {
    const place = placeOf(guide, file);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, placed(code));
  }
  for (const name of workersOf(guide)) if (guide.files.has(`${name}.ts`)) writeWorker(placeOf(guide, name));
  return placed;
}

/** A worker starts with a file that Node itself runs. */
function writeWorker(place: string): void {
  const hooks = new URL('../ipc/transport/worker/compile.mjs', import.meta.url).href;
  const code = `import { register } from 'node:module';\nregister('${hooks}');\nawait import('${pathToFileURL(place).href}.ts');\n`;
  writeFileSync(`${place}.js`, code);
}

/** Tests among the files of a guide declare themselves. */
export function isTest(file: string): boolean {
  return file.endsWith('.spec.ts');
}

/** Runs a guide: its files as the modules that they are, its calls by `curl`, and the command `linnet`. Ends the applications, servers and frontends that it starts. */
export async function runGuide(guide: Guide): Promise<void> {
  const placed = await writeGuide(guide);
  const [, natsPort] = /nats:\/\/127\.0\.0\.1:(\d+)/.exec(placed(guide.text)) ?? [];
  if (natsPort !== undefined && !hasNats) return;
  const nats = natsPort === undefined ? undefined : await startNats(Number(natsPort));
  const workers = workersOf(guide).map((name) => `${name}.ts`);
  Logger.overrideLogger(false);
  const made = [jest.spyOn(NestFactory, 'create'), jest.spyOn(NestFactory, 'createApplicationContext')];
  const listen = jest.spyOn(Server.prototype, 'listen');
  const windows = new GuideWindows();
  // Loggers of the application's own are part of what is shown.
  const written = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    for (const step of guide.steps) {
      if ('shell' in step) await runShell(placed(step.shell), placeOf(guide, '.'));
      else if (!isTest(step.file) && !workers.includes(step.file))
        await windows.run(guide.files.get(step.file)!, () => import(placeOf(guide, step.file)));
    }
    const lines = written.mock.calls.map(([line]) => String(line));
    for (const { language, code } of blocksOf(guide.text))
      if (language === 'json') expect(lines.map(lasting)).toContainEqual(lasting(code));
  } finally {
    const results = made.flatMap(({ mock }) => mock.results);
    const apps = await Promise.all(results.map(({ value }) => value as Promise<INestApplicationContext>));
    for (const each of made) each.mockRestore();
    await windows.close();
    IpcApp.shutdown();
    for (const app of apps) await app.close();
    await nats?.stop();
    const servers = listen.mock.contexts as Server[];
    listen.mockRestore();
    for (const server of servers) await endServer(server);
    written.mockRestore();
  }
}

/** Ends a server, if it was not ended yet. */
async function endServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  if (server instanceof HttpServer) server.closeAllConnections();
  await closed;
}

/** A line of a log, less what is another each time. */
function lasting(line: string): unknown {
  if (!line.startsWith('{')) return line;
  return { ...(JSON.parse(line) as object), pid: 0, timestamp: 0 };
}

/** Sends what a line with `curl` sends, and compares what comes with the line behind it: `# → body`, or with `-i` `# → status body`. */
async function runShell(shell: string, folder: string): Promise<void> {
  await runLinnet(shell, folder);
  for (const [, line, expected] of shell.matchAll(/^(curl .*)\n(?:# → (.*))?$/gm)) {
    const [target] = /https?:\S+/.exec(line!)!;
    const headers = [...line!.matchAll(/-H '([^:]+): ([^']+)'/g)].map(
      ([, name, value]) => [name!, value!] as const,
    );
    const body = /-d '([^']*)'/.exec(line!)?.[1];
    const method = /-X (\w+)/.exec(line!)?.[1] ?? (body === undefined ? 'GET' : 'POST');
    const message = request(target, { method, headers: Object.fromEntries(headers) });
    message.end(body);
    const [response] = (await once(message, 'response')) as [IncomingMessage];
    const answer = await text(response);
    expect({ line, answer: line!.includes(' -i ') ? `${response.statusCode} ${answer}` : answer }).toEqual({
      line,
      answer: expected,
    });
  }
}

/** Runs lines with `npx linnet` among the files of a guide, and compares what is written with the comments below each. */
async function runLinnet(shell: string, folder: string): Promise<void> {
  for (const [, line, comments] of shell.matchAll(/^npx linnet (.*)\n((?:#.*\n)*)/gm)) {
    let written = '';
    const write = (text: string) => (written += text);
    await run(line!.split(' '), { cwd: folder, out: write, err: write, hasColours: false });
    const expected = comments!.replaceAll(/^# ?/gm, '');
    if (expected) expect({ line, written }).toEqual({ line, written: expected });
  }
}
