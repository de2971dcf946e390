import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { ClsService } from 'nestjs-cls';
import { PinoLogger } from 'nestjs-pino';
import { CallContext, ClientRequestContext } from '@linnet/backend';
import type { IpcSession } from '@linnet/backend';
import { Line, Parcel } from './parcel.js';
import type { Caller, Found } from './store.definition.js';

/** Writes to the store of nestjs-cls ahead of the method. */
@Injectable()
export class LabelGuard implements CanActivate {
  constructor(private readonly cls: ClsService) {}

  canActivate(context: ExecutionContext): boolean {
    this.cls.set('byGuard', CallContext.from(context)?.arguments[0]);
    return true;
  }
}

/** The operations themselves, however they are called. */
@Injectable()
export class StoreService {
  /** Calls of {@link remember} that wait for each other. */
  #waiting: (() => void)[] = [];

  constructor(
    private readonly cls: ClsService,
    private readonly logger: PinoLogger,
  ) {}

  whoAmI(request: { user?: unknown }, session?: IpcSession): Caller {
    const activityUser = ClientRequestContext.current.user;
    return { requestUser: request.user, activityUser, sessionUser: session?.user };
  }

  /** Keeps a label in the store until another call has kept its own. */
  async remember(label: string): Promise<Found> {
    this.cls.set('label', label);
    await this.#meet();
    await setImmediate();
    const { cls } = this;
    return {
      id: cls.getId(),
      label: cls.get('label'),
      byGuard: cls.get('byGuard'),
      byMiddleware: cls.get('byMiddleware'),
    };
  }

  isRemembered(): boolean {
    return this.cls.get('label') !== undefined;
  }

  log(article: string): void {
    this.logger.info(`before ${article}`);
    this.logger.assign({ article });
    this.logger.info(`after ${article}`);
  }

  pack(parcel: Parcel): { isParcel: boolean; areLines: boolean; label: Uint8Array } {
    const areLines = parcel.lines.every((line) => line instanceof Line);
    return { isParcel: parcel instanceof Parcel, areLines, label: parcel.label };
  }

  /** Two at a time: the first is woken by the second. */
  #meet(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length < 2) return;
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }
}
