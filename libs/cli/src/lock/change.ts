/** A part of a version, by the rules of semantic versioning. */
export type Level = 'major' | 'minor' | 'patch';

/** A side that a change breaks: an old client of the new server, or an old server under a new client. */
export type Side = 'old clients' | 'old servers';

/** A difference between two contracts. */
export interface Change {
  /** The operation, method or notification, and the parameter: `Robots.move(speed)`. */
  readonly where: string;
  /** The difference, for people. */
  readonly text: string;
  /** The sides that break; empty if both work. */
  readonly breaks: readonly Side[];
}

/** The change of a part that only one of two contracts has. @param what names it: `operation` */
export function cameOrWent(where: string, what: string, came: boolean): Change {
  return came
    ? { where, text: `the ${what} was added`, breaks: ['old servers'] }
    : { where, text: `the ${what} was removed`, breaks: ['old clients'] };
}

/**
 * The part of the version that a change needs.
 *
 * A server accepts clients of its major version with the same or an older minor version (docs/lock.md). So the major part
 * separates old clients from new servers, and the minor part new clients from old servers.
 */
export function levelOf({ breaks }: Pick<Change, 'breaks'>): Level {
  if (breaks.includes('old clients')) return 'major';
  return breaks.includes('old servers') ? 'minor' : 'patch';
}

/** The highest level of changes; `undefined` without changes. */
export function highestLevel(changes: readonly Change[]): Level | undefined {
  const levels = changes.map(levelOf);
  return (['major', 'minor', 'patch'] as const).find((level) => levels.includes(level));
}
