import { Req, UseGuards, UseInterceptors } from '@nestjs/common';
import {
  CurrentSession,
  IpcChannel,
  IpcMethod,
  IpcSession,
  RpcInterface,
  RpcOperation,
} from '@linnet/backend';
import { ClsBookings } from './bookings.js';
import { TwiceAMinute } from './limits.js';
import { LogContextInterceptor } from './logging.js';
import { LoggedIn } from './login.js';
import { Parcel } from './parcel.js';
import { RequestBookings, TransactionInterceptor } from './request.bookings.js';
import { Store, storeChannel } from './store.definition.js';
import type { StoreCalls } from './store.definition.js';
import { LabelGuard, StoreService } from './store.service.js';

@RpcInterface(Store)
export class StoreImpl implements StoreCalls {
  constructor(
    private readonly store: StoreService,
    private readonly bookings: ClsBookings,
    private readonly requestBookings: RequestBookings,
  ) {}

  @LoggedIn()
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

  @TwiceAMinute()
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

  @LoggedIn()
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

  @TwiceAMinute()
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
