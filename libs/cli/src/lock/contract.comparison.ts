import type {
  Contract,
  ContractChannel,
  ContractInterface,
  ContractOperation,
} from '@linnet/common/contract';
import { cameOrWent, highestLevel } from './change.js';
import type { Change, Level } from './change.js';
import { OperationComparison } from './operation.comparison.js';
import { pairsOf } from './value.comparison.js';
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
  const interfaces = pairsOf({ before: locked.interfaces, after: current.interfaces }).map(([name, pair]) =>
    compareInterface(operations, name, pair),
  );
  const channels = pairsOf({ before: locked.channels, after: current.channels }).map(([name, pair]) =>
    compareChannel(operations, name, pair),
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
  if (!before || !after) return onlyOne(kind, name, after !== undefined);
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
  if (!before || !after) return onlyOne(kind, name, after !== undefined);
  const sent = { before: before.notifications, after: after.notifications };
  const notifications = pairsOf(sent).flatMap(([notification, { before: was, after: is }]) => {
    const where = `${name}.${notification}`;
    return was && is
      ? comparison.notification(where, { before: was.parameters, after: is.parameters })
      : [cameOrWent(where, 'notification', is !== undefined)];
  });
  const changes = [
    ...compareOperations(comparison, name, 'method', { before: before.methods, after: after.methods }),
    ...notifications,
  ];
  const level = highestLevel(changes);
  const remedy = level === 'major' ? 'The name of the channel is its version: give it a new one.' : undefined;
  return { kind, name, changes, level, ...(remedy && { remedy }) };
}

function onlyOne(kind: Verdict['kind'], name: string, came: boolean): Verdict {
  // No version can say so.
  return { kind, name, changes: [cameOrWent(name, kind, came)], level: undefined };
}

function compareOperations(
  comparison: OperationComparison,
  owner: string,
  word: 'operation' | 'method',
  operations: Pair<Record<string, ContractOperation>>,
): Change[] {
  const { before, after } = operations;
  const added = Object.keys(after).filter((name) => !Object.hasOwn(before, name));
  const changes: Change[] = [];
  for (const [name, { before: was, after: is }] of pairsOf(operations)) {
    const where = `${owner}.${name}`;
    if (was && is) changes.push(...comparison.operation(where, { before: was, after: is }));
    else if (was) {
      const renamed = added.find((other) => comparison.isSame({ before: was, after: after[other]! }));
      if (renamed !== undefined) added.splice(added.indexOf(renamed), 1);
      changes.push(
        renamed === undefined
          ? cameOrWent(where, word, false)
          : { where, text: `the ${word} was renamed to ${renamed}`, breaks: ['old clients', 'old servers'] },
      );
    }
  }
  return [...changes, ...added.map((name) => cameOrWent(`${owner}.${name}`, word, true))];
}
