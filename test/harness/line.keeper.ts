import { ActivityLogger } from '@linnet/backend';

/** A line of a log with its context. */
export interface KeptLine {
  readonly message: string;
  readonly ActivityId?: string;
  readonly SessionId?: string;
  readonly [field: string]: unknown;
}

/** Keeps the lines of a process, with the context that they were written in, and prints none. */
export class LineKeeper extends ActivityLogger {
  readonly lines: KeptLine[] = [];

  constructor() {
    super({ json: true, colors: false });
  }

  protected override printAsJson(message: unknown, options: { params?: object }): void {
    this.lines.push({ message: String(message), ...options.params });
  }

  /** The lines that were logged under an activity id. */
  of(activityId: string): KeptLine[] {
    return this.lines.filter((line) => line.ActivityId === activityId);
  }
}
