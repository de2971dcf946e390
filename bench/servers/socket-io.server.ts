// An ordinary Nest gateway on the default Socket.IO adapter, answering by acknowledgements.
import 'reflect-metadata';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Socket } from 'socket.io';
import { reportToParent } from './parent.js';

/** About as many bytes as `SEND_AHEAD`: Socket.IO tells when packets were handed on, not how large they are. */
const PACKETS_AHEAD = 20_000;

@WebSocketGateway({ transports: ['websocket'], maxHttpBufferSize: 2 ** 22 })
class BenchGateway {
  @SubscribeMessage('add')
  add(@MessageBody() [a, b]: [number, number]) {
    return a + b;
  }

  @SubscribeMessage('echo')
  echo(@MessageBody() bytes: Buffer) {
    return bytes;
  }

  @SubscribeMessage('push')
  async push(@MessageBody() count: number, @ConnectedSocket() socket: Socket) {
    for (let i = 0; i < count; i++) {
      socket.emit('moved', i, 1.5, 2.5);
      // With so many sessions most still wait, so that a `drain` is sure to come.
      if (i % PACKETS_AHEAD === PACKETS_AHEAD - 1) await once(socket.conn, 'drain');
    }
    return true;
  }
}

@Module({ providers: [BenchGateway] })
class BenchModule {}

const app = await NestFactory.create(BenchModule, { logger: ['error', 'warn'] });
app.useWebSocketAdapter(new IoAdapter(app));
await app.listen(0, '127.0.0.1');
reportToParent(((app.getHttpServer() as Server).address() as AddressInfo).port);
