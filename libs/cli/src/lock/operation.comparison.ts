import type { ContractOperation, ContractParameter, ContractPolicy } from '@linnet/common/contract';
import type { Change, Side } from './change.js';
import type { Definitions } from './schema.flow.js';
import { valueText } from './type.text.js';
import { pairsOf, ValueComparison } from './value.comparison.js';
import type { Carried, Pair } from './value.comparison.js';

/** Compares operations, methods and notifications. */
export class OperationComparison {
  readonly #toServer: ValueComparison;
  readonly #toClient: ValueComparison;

  constructor(definitions: Pair<Definitions>) {
    this.#toServer = new ValueComparison(definitions, true);
    this.#toClient = new ValueComparison(definitions, false);
  }

  /** The changes of an operation that both contracts have. */
  operation(where: string, { before, after }: Pair<ContractOperation>): Change[] {
    return [
      ...this.#parameters(where, { before: before.parameters, after: after.parameters }, this.#toServer),
      ...this.#value(
        where,
        'the result',
        { before: resultOf(before), after: resultOf(after) },
        this.#toClient,
      ),
      ...this.#errors(where, { before: before.errors, after: after.errors }),
      ...policyChanges(where, { before: before.policy ?? {}, after: after.policy ?? {} }),
    ];
  }

  /** The changes of a notification that both contracts have. Its arguments go to clients. */
  notification(where: string, parameters: Pair<readonly ContractParameter[]>): Change[] {
    return this.#parameters(where, parameters, this.#toClient);
  }

  /** Whether an operation has the same shape as another one, which may have another name. */
  isSame(pair: Pair<ContractOperation>): boolean {
    return this.operation('', pair).length === 0;
  }

  #parameters(
    where: string,
    { before, after }: Pair<readonly ContractParameter[]>,
    values: ValueComparison,
  ): Change[] {
    const names = { before: before.map(plainName), after: after.map(plainName) };
    const moved = names.before.filter((name, i) => names.after.includes(name) && names.after[i] !== name);
    if (moved.length > 0) {
      const text = `the order of parameters has changed: ${moved.join(', ')} moved`;
      return [{ where, text, breaks: ['old clients', 'old servers'] }];
    }
    const length = Math.max(before.length, after.length);
    return Array.from({ length }, (_, i) => i).flatMap((i) => {
      const pair = { before: before[i], after: after[i] };
      const { name } = (pair.after ?? pair.before)!;
      return this.#value(`${where}(${name})`, 'the parameter', pair, values);
    });
  }

  #value(where: string, what: string, pair: Pair<Carried>, values: ValueComparison): Change[] {
    if (values.isSame(pair)) return [];
    const { before, after } = pair;
    const change = !before
      ? `was added: ${valueText(after!)}`
      : !after
        ? `was removed: ${valueText(before)}`
        : `was ${valueText(before)} and is ${valueText(after)}`;
    return [{ where, text: `${what} ${change}`, breaks: values.breaks(pair) }];
  }

  #errors(where: string, { before, after }: Pair<ContractOperation['errors']>): Change[] {
    const errors = pairsOf({ before: before ?? {}, after: after ?? {} });
    return errors.flatMap(([name, { before: was, after: is }]): Change[] => {
      if (was && is) {
        const pair = { before: { schema: was }, after: { schema: is } };
        return this.#value(where, `the data of the error ${name}`, pair, this.#toClient);
      }
      // An error is a part of the result. A client of an operation without declared errors has no list of them.
      const breaks: Side = !was && before ? 'old clients' : 'old servers';
      return [{ where, text: `the error ${name} was ${was ? 'removed' : 'added'}`, breaks: [breaks] }];
    });
  }
}

function resultOf({ result, resultOptional, stream }: ContractOperation): Carried {
  return (
    result && { schema: result, ...(resultOptional && { optional: true }), ...(stream && { stream: true }) }
  );
}

/** An underscore marks a parameter that the definition itself does not use. */
function plainName({ name }: ContractParameter): string {
  return name.replace(/^_+/, '');
}

/** The policies on which the other side depends, and who breaks as they are given and as they are taken away. */
const sharedPolicies: Readonly<Record<string, string>> = {
  allowResponseCaching: 'clients call by GET, which a server without it refuses',
  idempotency: 'clients repeat calls, which a server without it may run twice',
  resumable: 'clients continue a broken stream, which a server without it sends from the start',
};

function policyChanges(where: string, { before, after }: Pair<ContractPolicy>): Change[] {
  return pairsOf({ before: { ...defaults, ...before }, after: { ...defaults, ...after } })
    .filter(([, policy]) => policy.before !== policy.after)
    .map(([name, { before: was, after: is }]) => {
      const reason = sharedPolicies[name];
      const change = `was ${was ?? 'not set'} and is ${is ?? 'not set'}`;
      const text = `the policy ${name} ${change}${reason ? `: ${reason}` : ''}`;
      const [had, has] = [isGiven(was), isGiven(is)];
      const breaks: Side[] = !reason || had === has ? [] : has ? ['old servers'] : ['old clients'];
      return { where, text, breaks };
    });
}

const defaults: Readonly<ContractPolicy> = {
  allowResponseCaching: false,
  allowResponseCompression: true,
  allowTokenMismatch: false,
  resumable: false,
};

const isGiven = (value: string | number | boolean | undefined) => value !== undefined && value !== false;
