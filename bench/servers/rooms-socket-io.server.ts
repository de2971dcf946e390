// A Nest gateway on Socket.IO with its Redis Streams adapter, as its documentation shows.
import 'reflect-metadata';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import type { Server, Socket } from 'socket.io';
import { flood } from './flood.js';
import { reportToParent } from './parent.js';

const redis = new Redis(process.env['REDIS_URL']!);
redis.on('error', () => undefined);

@WebSocketGateway({ transports: ['websocket'], adapter: createAdapter(redis) })
class BenchGateway {
  @WebSocketServer()
  readonly io!: Server;

  @SubscribeMessage('add')
  add(@MessageBody() [a, b]: [number, number]) {
    return a + b;
  }

  @SubscribeMessage('enter')
  async enter(@MessageBody() [room]: [string], @ConnectedSocket() socket: Socket) {
    await socket.join(room);
    return 'entered';
  }
}

@Module({ providers: [BenchGateway] })
class BenchModule {}

const app = await NestFactory.create(BenchModule, { logger: false });
app.useWebSocketAdapter(new IoAdapter(app));
await app.listen(0, '127.0.0.1');
const { io } = app.get(BenchGateway);
reportToParent(((app.getHttpServer() as HttpServer).address() as AddressInfo).port, (order) =>
  flood(order, {
    send(room, n) {
      io.to(room).emit('moved', n, 1.5, 2.5);
      return undefined;
    },
    // The adapter sends over the same connection, in order.
    confirm: () => redis.ping(),
  }),
);
