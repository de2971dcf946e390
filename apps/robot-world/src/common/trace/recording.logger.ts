import type { LoggerService } from '@nestjs/common';
import { ClientRequestContext } from '@linnet/backend';
import { now } from './activity.recorder.js';
import type { ActivityRecorder } from './activity.recorder.js';

/** Records the lines that are written inside calls, and passes all lines to another logger. */
export class RecordingLogger implements LoggerService {
  constructor(
    private readonly logger: LoggerService,
    private readonly recorder: ActivityRecorder,
  ) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.#record('log', message, rest);
    this.logger.log(message, ...rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.#record('warn', message, rest);
    this.logger.warn(message, ...rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.#record('error', message, rest);
    this.logger.error(message, ...rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.#record('fatal', message, rest);
    if (this.logger.fatal) this.logger.fatal(message, ...rest);
    else this.logger.error(message, ...rest);
  }

  // Lines for developers are not sent to pages.
  debug(message: unknown, ...rest: unknown[]): void {
    this.logger.debug?.(message, ...rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.logger.verbose?.(message, ...rest);
  }

  #record(level: string, message: unknown, rest: unknown[]): void {
    if (!ClientRequestContext.isActive) return;
    const last = rest.at(-1);
    const context = typeof last === 'string' ? last : '';
    const line = { time: now(), level, context, text: String(message) };
    this.recorder.addLine(ClientRequestContext.current.activityId, line);
  }
}
