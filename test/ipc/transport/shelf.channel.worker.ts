import { workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { NestFactory } from '@nestjs/core';
import { serveMessagePort } from '@linnet/backend';
import { ShelfModule } from './shelf.module.js';

// As shelf.worker.ts, for who has the other end of a channel.
const app = await NestFactory.createApplicationContext(ShelfModule, { logger: false });
serveMessagePort(app, workerData as MessagePort);
