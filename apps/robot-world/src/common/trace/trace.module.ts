import { Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { ActivityRecorder } from './activity.recorder.js';
import { ActivityTraceRpcImpl } from './activity-trace.impl.js';
import { RecordingInterceptor } from './recording.interceptor.js';

/** Remembers what a backend did for whom, and tells pages that ask; `RecordingLogger` adds the log lines,
 * `RecordingTransport` what it asks others. */
@Module({
  providers: [
    ActivityRecorder,
    ActivityTraceRpcImpl,
    { provide: APP_INTERCEPTOR, useClass: RecordingInterceptor },
  ],
  exports: [ActivityRecorder],
})
export class TraceModule {}
