import { EventEmitter, once } from 'node:events';
import { Controller, Get, NotFoundException } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { CallContext } from '@linnet/backend';

/** An ordinary controller, whose errors the filter reports. */
@Controller('fault')
export class FaultController {
  @Get('hidden')
  fail(): never {
    throw new TypeError('a fault of a controller');
  }

  @Get('shown')
  miss(): never {
    throw new NotFoundException();
  }
}

const calls = new EventEmitter();

/** The signal of the next call of `survey` with this argument. */
export async function surveyOf(hall: string): Promise<AbortSignal> {
  const [signal] = await once(calls, hall);
  return signal as AbortSignal;
}

class SurveyWatch implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    const call = CallContext.from(context);
    if (call?.operation === 'survey') calls.emit(String(call.arguments[0]), call.signal);
    return next.handle();
  }
}

export const surveyWatch = { provide: APP_INTERCEPTOR, useClass: SurveyWatch };
