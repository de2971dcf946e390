import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { RobotWorldModule } from './robot-world.module.js';

const app = await NestFactory.create(RobotWorldModule);
app.enableShutdownHooks();
await app.listen(Number(process.env['PORT'] ?? 3001));
