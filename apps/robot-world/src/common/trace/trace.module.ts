import { Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { ActivityRecorder } from './activity.recorder.js';
import { ActivityTraceRpcImpl } from './activity-trace.impl.js';
import { RecordingInterceptor } from './recording.interceptor.js';
import { Spans } from './spans.js';

/**
 * Records the calls and log lines of a backend, and serves them to pages. `RecordingLogger` adds the log lines, and
 * `RecordingTransport` the calls to other backends.
 */
@Module({
  providers: [
    ActivityRecorder,
    ActivityTraceRpcImpl,
    Spans,
    { provide: APP_INTERCEPTOR, useClass: RecordingInterceptor },
  ],
  exports: [ActivityRecorder, Spans],
})
export class TraceModule {}
