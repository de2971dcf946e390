// An application as a user writes it, from the packages alone. Its parent is told where it listens.
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Injectable, Module, UseGuards } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CallContext, IpcChannel, IpcModule, IpcSession, RpcInterface, RpcModule } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { Calculator, counterChannel } from './calculator.js';
import type { Counter } from './calculator.js';

@Injectable()
class Halving {
  of(bytes: Uint8Array): Uint8Array {
    return bytes.map((byte) => byte / 2);
  }
}

@Injectable()
class BearerGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return CallContext.from(context)?.authorization === 'Bearer of-packages';
  }
}

@RpcInterface(Calculator)
class CalculatorImpl implements Calculator {
  // Injected by its type: the compiler's metadata has to meet the very class that Nest knows.
  constructor(private readonly halving: Halving) {}

  async add(a: number, b: number): Promise<number> {
    return a + b;
  }

  @UseGuards(BearerGuard)
  async halves(bytes: Uint8Array): Promise<Uint8Array> {
    return this.halving.of(bytes);
  }
}

@IpcChannel(counterChannel)
class CounterHandler implements Counter {
  constructor(private readonly session: IpcSession) {}

  async countTo(end: number): Promise<string> {
    for (let value = 1; value <= end; value++)
      await this.session.notifications(counterChannel).counted(value);
    return `counted to ${end}`;
  }
}

@Module({
  imports: [RpcModule.forRoot(), IpcModule.forRoot()],
  providers: [Halving, BearerGuard, CalculatorImpl, CounterHandler],
})
class AppModule {}

async function start(): Promise<void> {
  const app = await NestFactory.create(AppModule, new LinnetExpressAdapter(), { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  process.once('disconnect', () => void app.close());
  process.send?.((app.getHttpServer().address() as AddressInfo).port);
}

void start();
