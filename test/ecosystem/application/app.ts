import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Module, ValidationPipe } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { APP_GUARD, APP_PIPE, NestFactory } from '@nestjs/core';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { PassportModule } from '@nestjs/passport';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ClsPluginTransactional } from '@nestjs-cls/transactional';
import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { ClsModule } from 'nestjs-cls';
import { Logger, LoggerModule } from 'nestjs-pino';
import { DataSource } from 'typeorm';
import { activityFields, IpcModule, RpcModule } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { Booking, BookingNews, ClsBookings, RequestBookings, TransactionInterceptor } from './bookings.js';
import { JwtStrategy } from './login.js';
import { StoreHandler, StoreImpl } from './store.calls.js';
import { LabelGuard, LogContextInterceptor, StoreService } from './store.service.js';

/** The lines that pino has written. */
export const lines: Record<string, unknown>[] = [];
const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };

@Module({
  imports: [
    ClsModule.forRoot({
      global: true,
      middleware: {
        mount: true,
        generateId: true,
        setup: (cls, request) => cls.set('byMiddleware', request.headers['x-tenant']),
      },
      // For calls that no middleware sees: those that come over IPC.
      guard: { mount: true, generateId: true },
      plugins: [
        new ClsPluginTransactional({
          adapter: new TransactionalAdapterTypeOrm({ dataSourceToken: DataSource }),
        }),
      ],
    }),
    LoggerModule.forRoot({ pinoHttp: [{ mixin: activityFields }, destination], forRoutes: ['*path'] }),
    ThrottlerModule.forRoot([{ limit: 10_000, ttl: 60_000 }]),
    TypeOrmModule.forRoot({ type: 'sqljs', entities: [Booking], synchronize: true }),
    EventEmitterModule.forRoot(),
    PassportModule,
    RpcModule.forRoot(),
    IpcModule.forRoot({
      authorize: ({ headers }) => ({ user: 'frontend', accessToken: headers.authorization ?? '' }),
    }),
  ],
  providers: [
    { provide: APP_GUARD, useClass: ThrottlerGuard },
    { provide: APP_PIPE, useValue: new ValidationPipe({ transform: true, whitelist: true }) },
    JwtStrategy,
    LabelGuard,
    LogContextInterceptor,
    StoreService,
    StoreImpl,
    StoreHandler,
    BookingNews,
    ClsBookings,
    RequestBookings,
    TransactionInterceptor,
  ],
})
class AppModule {}

/** Starts the application on the adapter that `ADAPTER` names. */
export async function startApplication(): Promise<{ app: INestApplication; port: number }> {
  const options = { bufferLogs: true };
  let app: INestApplication;
  if (process.env.ADAPTER === 'fastify')
    app = await NestFactory.create(AppModule, new FastifyAdapter({ trustProxy: 'loopback' }), options);
  else {
    const adapter = process.env.ADAPTER === 'express' ? new ExpressAdapter() : new LinnetExpressAdapter();
    adapter.set('trust proxy', 'loopback');
    app = await NestFactory.create(AppModule, adapter, options);
  }
  app.useLogger(app.get(Logger));
  await app.listen(0, '127.0.0.1');
  return { app, port: (app.getHttpServer().address() as AddressInfo).port };
}
