import { Logger } from '@nestjs/common';

/** The used part of `Logger` of `@itwin/core-bentley` to write its lines. */
export interface ItwinLogStreams {
  /** Sets the functions that write lines, by level. */
  initialize(
    error: ItwinLogFunction,
    warning: ItwinLogFunction,
    info: ItwinLogFunction,
    trace: ItwinLogFunction,
  ): void;
  /** Sets the level below which nothing is written. */
  setLevelDefault(level: number): void;
}

/** Writes a line of `@itwin/core-bentley`. */
export type ItwinLogFunction = (
  category: string,
  message: string,
  metaData?: object | (() => object | undefined),
) => void;

/** `LogLevel.Info` of `@itwin/core-bentley`. */
const INFO = 1;

/**
 * Has the lines of core-bentley's `Logger` written by the logger of the application, with the category as their context;
 * what they have of metadata is the next argument. `ActivityLogger` adds the ids of the call. Traces are `debug` there.
 * As `Logger.initialize` does, it forgets the levels: from `Info` up everything is written, until they are set anew.
 */
export function logToNest(itwin: ItwinLogStreams): void {
  const loggers = new Map<string, Logger>();
  const streamOf =
    (level: 'error' | 'warn' | 'log' | 'debug'): ItwinLogFunction =>
    (category, message, metaData) => {
      let logger = loggers.get(category);
      if (!logger) loggers.set(category, (logger = new Logger(category)));
      const data = typeof metaData === 'function' ? metaData() : metaData;
      if (data === undefined) logger[level](message);
      else logger[level](message, data);
    };
  itwin.initialize(streamOf('error'), streamOf('warn'), streamOf('log'), streamOf('debug'));
  itwin.setLevelDefault(INFO);
}
