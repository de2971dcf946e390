import { ConsoleLogger } from '@nestjs/common';
import type { ConsoleLoggerOptions, LogLevel } from '@nestjs/common';
import { mergeOptions, observer } from '@linnet/common/internal';
import { activityFields } from '../../call/request.context.js';

/**
 * Nest's console logger, with the current activity on every line written inside a call: `ActivityId`,
 * `SessionId`, `ApplicationId`, `ApplicationVersion`, `rpcMethod`. With telemetry a line has `TraceId` and `SpanId` as well.
 *
 * ```ts
 * app.useLogger(new ActivityLogger({ json: true }));
 * ```
 */
export class ActivityLogger extends ConsoleLogger {
  constructor(options: ConsoleLoggerOptions = {}) {
    // In JSON the fields are members of the line itself, where log browsers look for them.
    super(mergeOptions({ flattenParams: true }, options));
  }

  /** Adds the fields of the activity to what is printed. */
  protected override printMessages(
    messages: unknown[],
    context?: string,
    logLevel?: LogLevel,
    writeStreamType?: 'stdout' | 'stderr',
    errorStack?: unknown,
    params?: Record<string, unknown>,
  ): void {
    const fields = activityFields();
    const { ActivityId: activityId = '' } = fields;
    if (observer?.line && activityId !== '')
      for (const message of messages)
        observer.line({ activityId, level: logLevel ?? 'log', context: context ?? '', message });
    const all = Object.keys(fields).length > 0 ? { ...params, ...fields } : params;
    super.printMessages(messages, context, logLevel, writeStreamType, errorStack, all);
  }
}
