import { parentPort } from 'node:worker_threads';
import { NestFactory } from '@nestjs/core';
import { serveMessagePort } from '@linnet/backend';
import { ShelfModule } from './shelf.module.js';

serveMessagePort(await NestFactory.createApplicationContext(ShelfModule, { logger: false }), parentPort!);
