import type {
  Contract,
  ContractChannel,
  ContractInterface,
  ContractOperation,
} from '@linnet/common/contract';
import { highestLevel } from './change.js';
import type { Change, Level } from './change.js';
import { OperationComparison } from './operation.comparison.js';
import type { Pair } from './value.comparison.js';
import { isBumped, isEarlier, nextVersion } from './version.js';

/** The changes of one interface or channel since its lock. */
export interface Verdict {
  readonly kind: 'interface' | 'channel';
  readonly name: string;
  readonly changes: readonly Change[];
  /** The part of the version that has to grow; `undefined` if none has to. */
  readonly level: Level | undefined;
  /** The version in the lock and the version in the source, of an interface that both have. */
  readonly version?: { readonly locked: string; readonly current: string };
  /** A sentence with the step that is missing before the lock can be written. */
  readonly remedy?: string;
}

/** Compares the contract of a lock with the current one. Names without a difference are left out. */
export function compareContracts(locked: Contract, current: Contract): Verdict[] {
  const operations = new OperationComparison({ before: locked.$defs, after: current.$defs });
  const interfaces = namesOf(locked.interfaces, current.interfaces).map((name) =>
    compareInterface(operations, name, pairOf(locked.interfaces, current.interfaces, name)),
  );
  const channels = namesOf(locked.channels, current.channels).map((name) =>
    compareChannel(operations, name, pairOf(locked.channels, current.channels, name)),
  );
  return [...interfaces, ...channels].filter(
    ({ changes, version }) => changes.length > 0 || (version && version.locked !== version.current),
  );
}

function compareInterface(
  comparison: OperationComparison,
  name: string,
  { before, after }: Pair<ContractInterface | undefined>,
): Verdict {
  const kind = 'interface';
  if (!before || !after) return cameOrWent(kind, name, after !== undefined);
  const changes = compareOperations(comparison, name, 'operation', {
    before: before.operations,
    after: after.operations,
  });
  const level = highestLevel(changes);
  const version = { locked: before.version, current: after.version };
  const remedy = versionRemedy(version, level);
  return { kind, name, changes, level, version, ...(remedy && { remedy }) };
}

function versionRemedy(
  { locked, current }: NonNullable<Verdict['version']>,
  level: Level | undefined,
): string | undefined {
  if (isEarlier(current, locked)) return `interfaceVersion ${current} is earlier than the locked ${locked}.`;
  if (!level || isBumped(locked, current, level)) return undefined;
  return `interfaceVersion is ${current}: these changes need ${nextVersion(locked, level)} or later.`;
}

function compareChannel(
  comparison: OperationComparison,
  name: string,
  { before, after }: Pair<ContractChannel | undefined>,
): Verdict {
  const kind = 'channel';
  if (!before || !after) return cameOrWent(kind, name, after !== undefined);
  const notifications = namesOf(before.notifications, after.notifications).flatMap(
    (notification): Change[] => {
      const where = `${name}.${notification}`;
      const pair = pairOf(before.notifications, after.notifications, notification);
      if (!pair.before) return [{ where, text: 'the notification was added', breaks: ['old servers'] }];
      if (!pair.after) return [{ where, text: 'the notification was removed', breaks: ['old clients'] }];
      return comparison.notification(where, { before: pair.before.parameters, after: pair.after.parameters });
    },
  );
  const changes = [
    ...compareOperations(comparison, name, 'method', { before: before.methods, after: after.methods }),
    ...notifications,
  ];
  const level = highestLevel(changes);
  const remedy = level === 'major' ? 'The name of the channel is its version: give it a new one.' : undefined;
  return { kind, name, changes, level, ...(remedy && { remedy }) };
}

function cameOrWent(kind: Verdict['kind'], name: string, came: boolean): Verdict {
  const change: Change = came
    ? { where: name, text: `the ${kind} was added`, breaks: ['old servers'] }
    : { where: name, text: `the ${kind} was removed`, breaks: ['old clients'] };
  // No version can say so.
  return { kind, name, changes: [change], level: undefined };
}

function compareOperations(
  comparison: OperationComparison,
  owner: string,
  word: 'operation' | 'method',
  { before, after }: Pair<Record<string, ContractOperation>>,
): Change[] {
  const added = Object.keys(after).filter((name) => !Object.hasOwn(before, name));
  const changes: Change[] = [];
  for (const name of namesOf(before, after)) {
    const where = `${owner}.${name}`;
    const pair = pairOf(before, after, name);
    if (pair.before && pair.after)
      changes.push(...comparison.operation(where, { before: pair.before, after: pair.after }));
    else if (pair.before) {
      const renamed = added.find((other) =>
        comparison.isSame({ before: pair.before!, after: after[other]! }),
      );
      if (renamed !== undefined) added.splice(added.indexOf(renamed), 1);
      changes.push(
        renamed === undefined
          ? { where, text: `the ${word} was removed`, breaks: ['old clients'] }
          : { where, text: `the ${word} was renamed to ${renamed}`, breaks: ['old clients', 'old servers'] },
      );
    }
  }
  const isNew = (name: string): Change => ({
    where: `${owner}.${name}`,
    text: `the ${word} was added`,
    breaks: ['old servers'],
  });
  return [...changes, ...added.map(isNew)];
}

function namesOf(before: object, after: object): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
}

function pairOf<T>(before: Record<string, T>, after: Record<string, T>, name: string): Pair<T | undefined> {
  const own = (record: Record<string, T>) => (Object.hasOwn(record, name) ? record[name] : undefined);
  return { before: own(before), after: own(after) };
}
