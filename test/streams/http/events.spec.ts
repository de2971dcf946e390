import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '../../harness/waiting.js';
import { closeApps, startApp, ways } from '../../harness/nest.harness.js';
import { FlowImpl, journal } from './flow.js';
import { httpServers } from './servers.js';
import type { FlowServer } from './servers.js';

const events = { Accept: 'text/event-stream' };
const hasCurl = spawnSync('curl', ['--version']).status === 0;
if (!hasCurl) console.warn('curl is not installed: the tests with it are skipped.');
const post = { ...events, 'Content-Type': 'text/plain' };

describe.each(Object.entries(httpServers))('server-sent events from %s', (_name, start) => {
  let server: FlowServer;

  beforeAll(async () => {
    server = await start();
  });
  beforeEach(() => journal.clear());
  afterAll(() => server.stop());

  /** Sends a request as `curl -N` does, with each header as it is given. */
  async function open(
    target: string,
    headers: Record<string, string>,
    args?: unknown[],
  ): Promise<IncomingMessage> {
    const method = args ? 'POST' : 'GET';
    const message = request(`${server.url}/Flow-1.0.0-${target}`, { method, headers, agent: false });
    message.end(args && JSON.stringify(args));
    const [response] = (await once(message, 'response')) as [IncomingMessage];
    return response;
  }

  async function textOf(response: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }

  it('has an event for each item and one for the end', async () => {
    const response = await open('count', post, [3]);
    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    expect(await textOf(response)).toBe('data: 0\n\ndata: 1\n\ndata: 2\n\nevent: end\ndata:\n\n');
  });

  it('shows an event before the next one is made', async () => {
    const response = await open('once', post, ['events']);
    const [first] = (await once(response, 'data')) as [Buffer];
    expect(first.toString()).toBe('data: 1\n\n');
    const pass = await until(() => journal.passes.get('events'));
    pass();
    expect(await textOf(response)).toBe('data: 2\n\nevent: end\ndata:\n\n');
  });

  (hasCurl ? it : it.skip)('is shown by curl event by event, as the items are made', async () => {
    const headers = Object.entries(post).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    const curl = spawn('curl', ['-sN', `${server.url}/Flow-1.0.0-once`, ...headers, '-d', '["curl"]']);
    const ended = once(curl, 'close');
    let shown = '';
    curl.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
    await until(() => shown === 'data: 1\n\n');
    const pass = await until(() => journal.passes.get('curl'));
    pass();
    expect(await ended).toEqual([0, null]);
    expect(shown).toBe('data: 1\n\ndata: 2\n\nevent: end\ndata:\n\n');
  });

  it('has an event for an error in the middle', async () => {
    const text = await textOf(await open('failing', post, [1]));
    const [item, error] = text.split('\n\n');
    expect(item).toBe('data: 0');
    expect(error).toMatch(/^event: error\ndata: \{.*\}$/);
    expect(JSON.parse(error!.slice(error!.indexOf('{')))).toMatchObject({
      message: 'no more',
      errorNumber: 4711,
      left: 1,
      isError: true,
    });
  });

  it('answers an error before the first item with its status', async () => {
    const response = await open('failing', { ...post, 'X-Protocol-Version': '2' }, [0]);
    expect([response.statusCode, JSON.parse(await textOf(response)).message]).toEqual([500, 'no more']);
  });

  it('ends with an error at an item with bytes', async () => {
    const text = await textOf(await open('items', post, []));
    expect(text).toContain('data: {"three":[3,{"deep":true}]}\n\nevent: error\ndata: {');
    expect(text).toContain('items: The value cannot be sent: server-sent events carry no bytes');
  });

  it('answers the GET of an EventSource, with the number of each event', async () => {
    const parameters = encodeURIComponent(btoa('[3]'));
    const all = await textOf(await open(`from?parameters=${parameters}`, events));
    expect(all).toBe('id: 1\ndata: 1\n\nid: 2\ndata: 2\n\nid: 3\ndata: 3\n\nevent: end\ndata:\n\n');
    const headers = { ...events, 'Last-Event-ID': '2' };
    const rest = await textOf(await open(`from?parameters=${parameters}`, headers));
    expect(rest).toBe('id: 3\ndata: 3\n\nevent: end\ndata:\n\n');
  });

  it('answers no GET of an operation that is neither safe nor resumable', async () => {
    const response = await open('watch', events);
    expect([response.statusCode, response.headers.allow]).toEqual([405, 'POST']);
    response.resume();
  });

  it('answers no GET of a page of another origin', async () => {
    const response = await open('from', { ...events, Origin: 'https://evil.example' });
    expect(response.statusCode).toBe(403);
    response.resume();
  });

  it('needs an activity id for anything but events', async () => {
    const response = await open('count', { 'Content-Type': 'text/plain', Accept: '*/*' }, [1]);
    expect(response.statusCode).toBe(400);
    response.resume();
  });

  it('stops the producer when the client disconnects', async () => {
    for (let i = 0; i < 50; i++) {
      const response = await open('watch', post, [`gone ${i}`, 10_000]);
      await once(response, 'data');
      response.destroy();
    }
    await until(() => journal.ended.length === 50);
  });

  it('stops a method without an item when the client disconnects', async () => {
    const message = request(`${server.url}/Flow-1.0.0-quiet`, {
      method: 'POST',
      headers: post,
      agent: false,
    });
    message.on('error', () => undefined);
    message.end('["early"]');
    await until(() => journal.produced.has('early'));
    message.destroy();
    await until(() => journal.ended.includes('early'));
  });

  it('compresses where the client accepts it, and shows each item at once', async () => {
    const response = await open('once', { ...post, 'Accept-Encoding': 'gzip' }, ['packed']);
    // Platforms of the fetch standard compress by themselves.
    if (_name === 'fetch') {
      response.destroy();
      return;
    }
    expect(response.headers['content-encoding']).toBe('gzip');
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    const ended = once(response, 'end');
    const finishFlush = 2; // Z_SYNC_FLUSH: the text goes on
    await until(
      () =>
        chunks.length > 0 && gunzipSync(Buffer.concat(chunks), { finishFlush }).toString() === 'data: 1\n\n',
    );
    (await until(() => journal.passes.get('packed')))();
    await ended;
    expect(gunzipSync(Buffer.concat(chunks)).toString()).toBe('data: 1\n\ndata: 2\n\nevent: end\ndata:\n\n');
  });
});

describe.each(['the stock Express adapter', 'Fastify'] as const)(
  'the GET of an EventSource at an application with its own CORS, by way of %s,',
  (name) => {
    afterEach(closeApps);

    async function statusOf(headers: Record<string, string>, origins?: string[]): Promise<number> {
      const { port } = await startApp({
        way: ways[name]!,
        providers: [FlowImpl],
        options: origins ? { origins } : {},
        configure: (app) => app.enableCors(),
      });
      const path = `/Flow-1.0.0-from?parameters=${encodeURIComponent(btoa('[1]'))}`;
      const message = request({
        host: '127.0.0.1',
        port,
        path,
        headers: { ...events, ...headers },
        agent: false,
      }).end();
      const [response] = (await once(message, 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode!;
    }

    const page = 'https://page.example';
    const crossSite = { 'Sec-Fetch-Site': 'cross-site' };

    it.each<[string, number, Record<string, string>, string[] | undefined]>([
      ['a page of another site', 400, { Origin: page, ...crossSite }, undefined],
      [
        'a page of another site that is not in the list',
        400,
        { Origin: page, ...crossSite },
        ['https://a.b'],
      ],
      ['a page of another site in an older browser', 400, { Origin: page }, undefined],
      ['a page of another site without an origin', 400, crossSite, [page]],
      ['a page that "origins" allows', 200, { Origin: page, ...crossSite }, [page]],
      ['a page of the same site', 200, { Origin: page, 'Sec-Fetch-Site': 'same-site' }, undefined],
      ['a page of the server itself', 200, { 'Sec-Fetch-Site': 'same-origin' }, undefined],
      ['a client that is not a browser', 200, {}, undefined],
    ])('from %s gets %i', async (_from, status, headers, origins) => {
      expect(await statusOf(headers, origins)).toBe(status);
    });
  },
);
