import { Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { CallContext } from '@linnet/backend';
import { finalize } from 'rxjs';
import type { Observable } from 'rxjs';
import { ActivityTraceRpcInterface } from '../activity-trace.rpc.js';
import { ActivityRecorder, now } from './activity.recorder.js';

/** Records every call that this backend serves, except calls that read the record. */
@Injectable()
export class RecordingInterceptor implements NestInterceptor {
  constructor(private readonly recorder: ActivityRecorder) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const call = CallContext.from(context);
    if (!call || call.definition === ActivityTraceRpcInterface) return next.handle();
    const { activityId, rpcMethod } = call.activity;
    const start = now();
    const record = () => this.recorder.addCall(activityId, { method: rpcMethod, start, end: now() });
    return next.handle().pipe(finalize(record));
  }
}
