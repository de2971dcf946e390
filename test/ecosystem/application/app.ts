import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Module, ValidationPipe } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { APP_PIPE, NestFactory } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { PassportModule } from '@nestjs/passport';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Logger } from 'nestjs-pino';
import { IpcModule, RpcModule } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { Booking, ClsBookings } from './bookings.js';
import { CallCacheModule } from './cache.js';
import { ContextModule } from './context.js';
import { HealthController, healthModules } from './health.js';
import { JobsModule, Stocktaking } from './jobs.js';
import { limitsGuard, LimitsModule } from './limits.js';
import { loggingTo } from './logging.js';
import { JwtStrategy } from './login.js';
import { startMicroservice } from './microservice.js';
import { BookingNews } from './news.js';
import { onError, reportingFilter } from './reports.js';
import { RequestBookings, TransactionInterceptor } from './request.bookings.js';
import { ReservedNews, ReserveHandler } from './reservations.js';
import { ShopHandler, ShopImpl } from './shop.calls.js';
import { StoreHandler, StoreImpl } from './store.calls.js';
import { LabelGuard, StoreService } from './store.service.js';
import { Warehouse, WarehouseClient, WarehouseController } from './warehouse.js';
import { FaultController, surveyWatch } from './watched.js';

/** The lines that pino has written. */
export const lines: Record<string, unknown>[] = [];

@Module({
  imports: [
    ContextModule,
    loggingTo({ write: (line) => void lines.push(JSON.parse(line)) }),
    LimitsModule,
    CallCacheModule,
    JobsModule,
    WarehouseClient,
    ...healthModules,
    CqrsModule.forRoot(),
    TypeOrmModule.forRoot({ type: 'sqljs', entities: [Booking], synchronize: true }),
    EventEmitterModule.forRoot(),
    PassportModule,
    RpcModule.forRoot({ onError }),
    IpcModule.forRoot({
      authorize: ({ headers }) => ({ user: 'frontend', accessToken: headers.authorization ?? '' }),
      onError,
    }),
  ],
  controllers: [FaultController, HealthController, WarehouseController],
  providers: [
    limitsGuard,
    reportingFilter,
    surveyWatch,
    { provide: APP_PIPE, useValue: new ValidationPipe({ transform: true, whitelist: true }) },
    JwtStrategy,
    LabelGuard,
    StoreService,
    StoreImpl,
    StoreHandler,
    ClsBookings,
    RequestBookings,
    TransactionInterceptor,
    BookingNews,
    Stocktaking,
    ReserveHandler,
    ReservedNews,
    Warehouse,
    ShopImpl,
    ShopHandler,
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
  await startMicroservice(app);
  await app.listen(0, '127.0.0.1');
  return { app, port: (app.getHttpServer().address() as AddressInfo).port };
}
