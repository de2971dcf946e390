import { Req, UseGuards, UseInterceptors } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { Throttle } from '@nestjs/throttler';
import {
  CurrentSession,
  IpcChannel,
  IpcMethod,
  IpcSession,
  RpcInterface,
  RpcOperation,
} from '@linnet/backend';
import { ClsBookings, RequestBookings, TransactionInterceptor } from './bookings.js';
import { Parcel, Store, storeChannel } from './store.definition.js';
import type { StoreCalls } from './store.definition.js';
import { LabelGuard, LogContextInterceptor, StoreService } from './store.service.js';

const twiceAMinute = Throttle({ default: { limit: 2, ttl: 60_000 } });

@RpcInterface(Store)
export class StoreImpl implements StoreCalls {
  constructor(
    private readonly store: StoreService,
    private readonly bookings: ClsBookings,
    private readonly requestBookings: RequestBookings,
  ) {}

  @UseGuards(AuthGuard('jwt'))
  async whoAmI(@Req() request: object = {}, @CurrentSession() session?: IpcSession) {
    return this.store.whoAmI(request, session);
  }

  @UseGuards(LabelGuard)
  async remember(label: string) {
    return this.store.remember(label);
  }

  async isRemembered() {
    return this.store.isRemembered();
  }

  @UseInterceptors(LogContextInterceptor)
  async log(article: string) {
    this.store.log(article);
  }

  @twiceAMinute
  async limited() {
    return 'served';
  }

  @RpcOperation()
  async pack(parcel: Parcel) {
    return this.store.pack(parcel);
  }

  async book(article: string, fails: boolean) {
    return this.bookings.book(article, fails);
  }

  @UseInterceptors(TransactionInterceptor)
  async bookByRequest(article: string, fails: boolean) {
    return this.requestBookings.book(article, fails);
  }
}

@IpcChannel(storeChannel)
export class StoreHandler implements StoreCalls {
  constructor(
    private readonly store: StoreService,
    private readonly bookings: ClsBookings,
    private readonly requestBookings: RequestBookings,
  ) {}

  @UseGuards(AuthGuard('jwt'))
  @IpcMethod()
  async whoAmI(@Req() request: object = {}, @CurrentSession() session?: IpcSession) {
    return this.store.whoAmI(request, session);
  }

  @UseGuards(LabelGuard)
  @IpcMethod()
  async remember(label: string) {
    return this.store.remember(label);
  }

  @IpcMethod()
  async isRemembered() {
    return this.store.isRemembered();
  }

  @UseInterceptors(LogContextInterceptor)
  @IpcMethod()
  async log(article: string) {
    this.store.log(article);
  }

  @twiceAMinute
  @IpcMethod()
  async limited() {
    return 'served';
  }

  @IpcMethod()
  async pack(parcel: Parcel) {
    return this.store.pack(parcel);
  }

  @IpcMethod()
  async book(article: string, fails: boolean) {
    return this.bookings.book(article, fails);
  }

  @UseInterceptors(TransactionInterceptor)
  @IpcMethod()
  async bookByRequest(article: string, fails: boolean) {
    return this.requestBookings.book(article, fails);
  }
}
