import { Logger } from '@nestjs/common';
import { textOf } from '@linnet/common/internal';

/**
 * Nest's logger, for the lines of these libraries. Never throws: most are written where nobody waits for them, and what was
 * thrown may be a proxy, or an object that nobody can print.
 */
export class OwnLogger extends Logger {
  /** Logs a failure, whatever it is. */
  override error(thrown: unknown, ...more: string[]): void {
    attempt(
      () => super.error(thrown, ...more),
      (failure) =>
        attempt(
          () => super.error(`What was thrown cannot be logged: ${reasonOf(failure)}`),
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
