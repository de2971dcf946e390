// The same operations as routes of an ordinary controller on Nest's own Express adapter.
import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Body, Controller, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { robots } from './bench.data.js';
import { reportToParent } from './parent.js';

@Controller()
class BenchController {
  @Post('add')
  @HttpCode(200)
  add(@Body() [a, b]: [number, number]) {
    return a + b;
  }

  @Post('list')
  @HttpCode(200)
  list() {
    return robots;
  }
}

@Module({ controllers: [BenchController] })
class BenchModule {}

const app = await NestFactory.create(BenchModule, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
reportToParent(((app.getHttpServer() as Server).address() as AddressInfo).port);
