import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Post } from '@nestjs/common';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { closeApps, startApp } from '../../../harness/nest.harness.js';
import { certificate, privateKey } from '../../../harness/localhost.js';
import { passTime, startTime, stopTime } from '../../../harness/stopped.time.js';

let release = () => undefined as void;
let entered = () => undefined as void;
const clients: Socket[] = [];

@Controller()
class SlowController {
  @Post('upload')
  upload() {
    return 'uploaded';
  }
  @Get('slow')
  async slow() {
    entered();
    await new Promise<void>((resolve) => (release = resolve));
    return 'slow';
  }
}

const start = (httpsOptions?: object) =>
  startApp({
    way: { adapter: () => new LinnetExpressAdapter() },
    controllers: [SlowController],
    ...(httpsOptions && { appOptions: { httpsOptions } }),
  });

function open(port: number, isTls = false) {
  const socket = isTls
    ? connectTls({ port, host: '127.0.0.1', ca: certificate })
    : connect(port, '127.0.0.1');
  clients.push(socket.on('error', () => undefined));
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString()));
  return { socket, closed: new Promise((resolve) => socket.once('close', resolve)), text: () => text };
}

/** The time in which a request may be completed, once the server has begun to end. */
const UNFINISHED_MS = 10_000;

afterEach(async () => {
  startTime();
  for (const client of clients.splice(0)) client.destroy();
  await closeApps();
});

describe('an application on LinnetExpressAdapter', () => {
  it.each([
    ['half of a head', 'POST /upload HTTP/1.1\r\nHo'],
    [
      'half of a body',
      'POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a"',
    ],
  ])('closes after ten seconds if a client has sent only %s', async (_part, sent) => {
    for (const httpsOptions of [undefined, { key: privateKey, cert: certificate }]) {
      const { port, app, close } = await start(httpsOptions);
      const arrived = new Promise((resolve) => {
        const event = httpsOptions ? 'secureConnection' : 'connection';
        app.getHttpServer().once(event, resolve);
      });
      const { socket, closed } = open(port, httpsOptions !== undefined);
      socket.write(sent);
      await arrived;
      stopTime();
      const over = close();
      await passTime(UNFINISHED_MS);
      await over;
      await closed;
      startTime();
    }
  });

  it('closes when its controllers have answered, even if they take longer than ten seconds', async () => {
    const { port, close } = await start();
    const { socket, closed, text } = open(port);
    const running = new Promise<void>((resolve) => (entered = resolve));
    socket.write('GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await running;
    stopTime();
    const over = close();
    await passTime(UNFINISHED_MS);
    release();
    await over;
    await closed;
    expect(text()).toMatch(/slow$/);
  });
});
