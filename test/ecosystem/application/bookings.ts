import { Inject, Injectable, Scope } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { EventEmitter2, OnEvent } from '@nestjs/event-emitter';
import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { Transactional, TransactionHost } from '@nestjs-cls/transactional';
import { catchError, concatMap, finalize } from 'rxjs';
import type { Observable } from 'rxjs';
import { Column, DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';
import type { EntityManager } from 'typeorm';
import { IpcHost } from '@linnet/backend';
import { storeChannel } from './store.definition.js';

@Entity()
export class Booking {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('text')
  article!: string;
}

/** Books, counts what the transaction sees, and fails when asked to. */
async function book(manager: EntityManager, article: string, fails: boolean): Promise<number> {
  await manager.getRepository(Booking).save({ article });
  const count = await manager.getRepository(Booking).countBy({ article });
  if (fails) throw new Error(`${article} is not booked after ${count}`);
  return count;
}

/** The transaction is in the store of nestjs-cls. */
@Injectable()
export class ClsBookings {
  constructor(
    private readonly host: TransactionHost<TransactionalAdapterTypeOrm>,
    private readonly events: EventEmitter2,
  ) {}

  @Transactional()
  async book(article: string, fails: boolean): Promise<number> {
    const count = await book(this.host.tx, article, fails);
    this.events.emit('booked', article);
    return count;
  }
}

const MANAGER = Symbol('the transaction of a request');

/** The transaction is on the request: a recipe that is often given for Nest and TypeORM. */
@Injectable()
export class TransactionInterceptor implements NestInterceptor {
  constructor(private readonly dataSource: DataSource) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const runner = this.dataSource.createQueryRunner();
    await runner.startTransaction();
    context.switchToHttp().getRequest()[MANAGER] = runner.manager;
    return next.handle().pipe(
      concatMap(async (result: unknown) => {
        await runner.commitTransaction();
        return result;
      }),
      catchError(async (error: unknown) => {
        await runner.rollbackTransaction();
        throw error;
      }),
      finalize(() => void runner.release()),
    );
  }
}

@Injectable({ scope: Scope.REQUEST })
export class RequestBookings {
  constructor(@Inject(REQUEST) private readonly request: { [MANAGER]?: EntityManager }) {}

  async book(article: string, fails: boolean): Promise<number> {
    const manager = this.request[MANAGER];
    if (!manager?.queryRunner?.isTransactionActive) throw new Error('There is no transaction.');
    return book(manager, article, fails);
  }
}

/** Tells all frontends of what is booked. */
@Injectable()
export class BookingNews {
  constructor(private readonly host: IpcHost) {}

  @OnEvent('booked')
  booked(article: string): void {
    this.host.notifications(storeChannel).booked(article);
  }
}
