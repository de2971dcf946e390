import { Body, StandardSchemaValidationPipe, UsePipes } from '@nestjs/common';
import { RpcInterface } from '@linnet/backend';
import { z } from 'zod';
import type { WarehouseToken } from '../robot-world.props.js';
import { ActivityTraceRpcInterface } from '../activity-trace.rpc.js';
import type { ActivityTrace } from '../activity-trace.rpc.js';
import { ActivityRecorder } from './activity.recorder.js';

const activityId = z.string().min(1).max(200);

/** Answers {@link ActivityTraceRpcInterface}. */
@RpcInterface(ActivityTraceRpcInterface)
@UsePipes(StandardSchemaValidationPipe)
export class ActivityTraceRpcImpl implements ActivityTraceRpcInterface {
  constructor(private readonly recorder: ActivityRecorder) {}

  async traceActivity(
    _token: WarehouseToken,
    @Body({ schema: activityId }) id: string,
  ): Promise<ActivityTrace> {
    return this.recorder.trace(id);
  }
}
