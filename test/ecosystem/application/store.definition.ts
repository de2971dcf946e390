import { ipcChannel, RpcInterface } from '@linnet/common';
import type { Parcel } from './parcel.js';

/** Everything that a call knows of its caller. */
export interface Caller {
  requestUser: unknown;
  activityUser: unknown;
  sessionUser: unknown;
}

/** Everything that a call finds in the store of nestjs-cls. */
export interface Found {
  id: string;
  label: unknown;
  byGuard: unknown;
  byMiddleware: unknown;
}

/** The same operations over RPC and over IPC. */
export interface StoreCalls {
  whoAmI(): Promise<Caller>;
  remember(label: string): Promise<Found>;
  isRemembered(): Promise<boolean>;
  log(article: string): Promise<void>;
  limited(): Promise<string>;
  pack(parcel: Parcel): Promise<{ isParcel: boolean; areLines: boolean; label: Uint8Array }>;
  book(article: string, fails: boolean): Promise<number>;
  bookByRequest(article: string, fails: boolean): Promise<number>;
}

export interface StoreNews {
  booked(article: string): void;
}

export abstract class Store extends RpcInterface implements StoreCalls {
  static readonly interfaceName = 'Store';
  static interfaceVersion = '1.0.0';

  async whoAmI(): Promise<Caller> {
    return this.forward(arguments);
  }
  async remember(_label: string): Promise<Found> {
    return this.forward(arguments);
  }
  async isRemembered(): Promise<boolean> {
    return this.forward(arguments);
  }
  async log(_article: string): Promise<void> {
    return this.forward(arguments);
  }
  async limited(): Promise<string> {
    return this.forward(arguments);
  }
  async pack(_parcel: Parcel): Promise<{ isParcel: boolean; areLines: boolean; label: Uint8Array }> {
    return this.forward(arguments);
  }
  async book(_article: string, _fails: boolean): Promise<number> {
    return this.forward(arguments);
  }
  async bookByRequest(_article: string, _fails: boolean): Promise<number> {
    return this.forward(arguments);
  }
}

export const storeChannel = ipcChannel<StoreCalls, StoreNews>('store-v1');
