import type { Level } from './change.js';

interface Version {
  readonly parts: readonly [major: number, minor: number, patch: number];
  readonly isTagged: boolean;
}

function parse(version: string): Version {
  const [numbers = '', tag] = version.split('-');
  const [major = NaN, minor = 0, patch = 0] = numbers.split('.').map(Number);
  return { parts: [major, minor, patch], isTagged: tag !== undefined };
}

/** The position in `parts` that has to grow. In 0.x the minor part stands for the major one, and patch for both others. */
function placeOf(level: Level, major: number): number {
  const place = ['major', 'minor', 'patch'].indexOf(level);
  return major === 0 ? Math.min(place + 1, 2) : place;
}

/** The lowest version after `version` that a change of this level needs. */
export function nextVersion(version: string, level: Level): string {
  const { parts } = parse(version);
  const place = placeOf(level, parts[0]);
  return parts.map((part, i) => (i < place ? part : i === place ? part + 1 : 0)).join('.');
}

/** Whether the step from one version to another says that there was a change of this level. */
export function isBumped(from: string, to: string, level: Level): boolean {
  const before = parse(from);
  const after = parse(to);
  // A prerelease is compatible only with itself.
  if (before.isTagged || after.isTagged) return from !== to && !isEarlier(to, from);
  const last = placeOf(level, before.parts[0]);
  const grown = after.parts.findIndex((part, i) => part !== before.parts[i]);
  return grown >= 0 && grown <= last && after.parts[grown]! > before.parts[grown]!;
}

/** Whether a version went back. Tags are not ordered. */
export function isEarlier(version: string, than: string): boolean {
  const [a, b] = [parse(version).parts, parse(than).parts];
  const different = a.findIndex((part, i) => part !== b[i]);
  return different >= 0 && a[different]! < b[different]!;
}
