import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';

// The server in server.ts as one whose names a minifier has changed.

let server: ChildProcess;
let ports: Record<string, number>;
let names: string[];

beforeAll(async () => {
  server = spawn(process.execPath, [fileURLToPath(new URL('main.mjs', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const started = once(createInterface(server.stdout!), 'line') as Promise<[string]>;
  const failed = once(server, 'exit').then(() => Promise.reject(new Error('The server has not started.')));
  const [line] = await Promise.race([started, failed]);
  failed.catch(() => undefined);
  ({ ports, names } = JSON.parse(line) as { ports: Record<string, number>; names: string[] });
}, 60_000);

afterAll(async () => {
  if (server.exitCode !== null) return;
  const ended = once(server, 'exit');
  server.stdin!.end();
  await ended;
});

function call(name: string, kind: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${ports[name]}/Failing-1.0.0-fail`, {
    method: 'POST',
    headers: {
      'X-Correlation-Id': 'a',
      'X-Protocol-Version': '2',
      'Content-Type': 'text/plain',
      ...headers,
    },
    body: JSON.stringify([kind]),
  });
}

it('the minified server has other class names than the source', () => {
  for (const name of ['OutOfStock', 'FailingImpl', 'NotFoundException', 'WsException'])
    expect(names).not.toContain(name);
});

const errors: [kind: string, status: number, members: object][] = [
  ['notFound', 404, { name: 'NotFoundException', message: 'no such robot' }],
  ['conflict', 409, { name: 'ConflictException', message: 'Conflict' }],
  ['bodyOnly', 400, { name: 'HttpException', message: 'Http Exception', reason: 'x' }],
  ['named', 409, { name: 'Twice', message: 'twice' }],
  ['ws', 500, { name: 'WsException', message: 'over ws' }],
  ['wsNamed', 500, { name: 'OutOfSight', message: 'behind the shelf', robot: 3 }],
  ['impostor', 500, { name: 'InternalError', message: 'Internal error' }],
  ['number', 404, { name: 'Not Found', errorNumber: 65574 }],
  ['exposed', 500, { name: 'OutOfStock', message: 'no more' }],
];

describe.each(['stock', 'linnet'])('a minified server on the %s adapter', (adapter) => {
  it.each(errors)('recognises the error "%s" by its class over RPC', async (kind, status, members) => {
    const answer = await call(`${adapter} none`, kind);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject(members);
  });

  it.each(errors)('recognises the error "%s" by its class over IPC', async (kind, _status, members) => {
    const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${ports[`${adapter} none`]}/ipc`));
    await expect(frontend.callIpcChannel('failing', 'fail', kind)).rejects.toMatchObject(members);
    frontend.close();
  });

  it.each(['enableCors', 'cors()'])('leaves CORS to the application with %s', async (decides) => {
    const answer = await call(`${adapter} ${decides}`, 'number', { Origin: 'https://page.example' });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([
      404,
      'https://page.example',
    ]);
  });

  it('refuses other origins if the application has no CORS options', async () => {
    const answer = await call(`${adapter} none`, 'number', { Origin: 'https://page.example' });
    expect(answer.status).toBe(403);
  });
});
