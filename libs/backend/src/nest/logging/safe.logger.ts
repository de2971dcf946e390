import { Logger } from '@nestjs/common';
import { textOf } from '@linnet/common/internal';

/**
 * Nest's logger, for the log lines of these libraries. Never throws: most lines are written where no caller handles an error,
 * and a thrown value may be a proxy, or an object that cannot be printed.
 */
export class SafeLogger extends Logger {
  /** Logs a thrown value of any kind. */
  override error(thrown: unknown, ...more: string[]): void {
    attempt(
      () => super.error(thrown, ...more),
      (failure) =>
        attempt(
          () => super.error(`The thrown value cannot be logged: ${reasonOf(failure)}`),
          () => undefined,
        ),
    );
  }

  override warn(message: unknown, ...more: string[]): void {
    attempt(
      () => super.warn(message, ...more),
      () => undefined,
    );
  }

  override log(message: unknown, ...more: string[]): void {
    attempt(
      () => super.log(message, ...more),
      () => undefined,
    );
  }
}

function attempt(write: () => void, failed: (error: unknown) => void): void {
  try {
    write();
  } catch (error) {
    failed(error);
  }
}

function reasonOf(error: unknown): string {
  try {
    return textOf((error as Error).message);
  } catch {
    return 'it cannot be read.';
  }
}
