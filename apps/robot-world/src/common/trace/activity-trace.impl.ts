import { Body, StandardSchemaValidationPipe, UsePipes } from '@nestjs/common';
import { RpcInterface } from '@linnet/backend';
import { z } from 'zod';
import type { WarehouseToken } from '../robot-world.props.js';
import { ActivityTraceRpcInterface } from '../activity-trace.rpc.js';
import type { ActivityTrace, TracedSpan } from '../activity-trace.rpc.js';
import { ActivityRecorder } from './activity.recorder.js';
import { Spans } from './spans.js';

const traceId = z.string().regex(/^[0-9a-f]{32}$/);
const activityId = z.string().min(1).max(200);

/** Answers {@link ActivityTraceRpcInterface}. */
@RpcInterface(ActivityTraceRpcInterface)
@UsePipes(StandardSchemaValidationPipe)
export class ActivityTraceRpcImpl implements ActivityTraceRpcInterface {
  constructor(
    private readonly recorder: ActivityRecorder,
    private readonly spans: Spans,
  ) {}

  async traceActivity(
    _token: WarehouseToken,
    @Body({ schema: activityId }) id: string,
  ): Promise<ActivityTrace> {
    return this.recorder.trace(id);
  }

  async traceSpans(_token: WarehouseToken, @Body({ schema: traceId }) id: string): Promise<TracedSpan[]> {
    return this.spans.of(id);
  }
}
