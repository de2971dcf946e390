// An ordinary Nest gateway on Nest's own `WsAdapter`. Its wire has no binary: bytes are base64.
import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { reportToParent } from './parent.js';
import { SEND_AHEAD } from './pushing.js';

@WebSocketGateway({ path: '/gateway', perMessageDeflate: false })
class BenchGateway {
  @SubscribeMessage('add')
  add(@MessageBody() [a, b]: [number, number]) {
    return { event: 'add', data: a + b };
  }

  @SubscribeMessage('echo')
  echo(@MessageBody() text: string) {
    const bytes = Buffer.from(text, 'base64');
    return { event: 'echo', data: bytes.toString('base64') };
  }

  @SubscribeMessage('push')
  async push(@MessageBody() count: number, @ConnectedSocket() socket: WebSocket) {
    for (let i = 0; i < count; i++) {
      socket.send(JSON.stringify({ event: 'moved', data: [i, 1.5, 2.5] }));
      while (socket.bufferedAmount > SEND_AHEAD) await setTimeout(1);
    }
    return { event: 'push', data: null };
  }
}

@Module({ providers: [BenchGateway] })
class BenchModule {}

const app = await NestFactory.create(BenchModule, { logger: ['error', 'warn'] });
app.useWebSocketAdapter(new WsAdapter(app));
await app.listen(0, '127.0.0.1');
reportToParent(((app.getHttpServer() as Server).address() as AddressInfo).port);
