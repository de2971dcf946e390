import type { ContractParameter } from '@linnet/common/contract';
import type { Side } from './change.js';
import { SchemaFlow } from './schema.flow.js';
import type { Definitions } from './schema.flow.js';

/** A value that crosses the wire: a parameter or a result; `undefined` if it is absent. */
export type Carried = Omit<ContractParameter, 'name'> | undefined;

/** Before and after. */
export interface Pair<T> {
  readonly before: T;
  readonly after: T;
}

/** The members of two records by their names, sorted: each as it was and as it is. */
export function pairsOf<T>({
  before,
  after,
}: Pair<Readonly<Record<string, T>>>): [name: string, pair: Pair<T | undefined>][] {
  const own = (record: Readonly<Record<string, T>>, name: string) =>
    Object.hasOwn(record, name) ? record[name] : undefined;
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return names.map((name) => [name, { before: own(before, name), after: own(after, name) }]);
}

/** Compares values that go in one direction. */
export class ValueComparison {
  readonly #definitions: Pair<Definitions>;
  readonly #toServer: boolean;

  /**
   * @param toServer whether clients write the values. A server that ignores a member does not do what its client asks for; a
   * client ignores members of results.
   */
  constructor(definitions: Pair<Definitions>, toServer: boolean) {
    this.#definitions = definitions;
    this.#toServer = toServer;
  }

  /** The sides that a change of the value breaks. */
  breaks({ before, after }: Pair<Carried>): Side[] {
    const oldToNew = this.#fits(before, after, false, this.#toServer);
    const newToOld = this.#fits(after, before, true, this.#toServer);
    // Old clients write old arguments, and read new results.
    const [clients, servers] = this.#toServer ? [oldToNew, newToOld] : [newToOld, oldToNew];
    return [...(clients ? [] : ['old clients' as const]), ...(servers ? [] : ['old servers' as const])];
  }

  /** Whether the value has the same shape. */
  isSame({ before, after }: Pair<Carried>): boolean {
    return this.#fits(before, after, false, true) && this.#fits(after, before, true, true);
  }

  #fits(written: Carried, read: Carried, isBack: boolean, isExact: boolean): boolean {
    if (!written) return !read || canBeAbsent(read);
    if (!read) return !isExact;
    if (written.stream !== read.stream || (written.rest && !read.rest)) return false;
    if (written.optional && !canBeAbsent(read)) return false;
    const { before, after } = this.#definitions;
    const flow = isBack ? new SchemaFlow(after, before, isExact) : new SchemaFlow(before, after, isExact);
    return flow.fits(written.schema, read.schema);
  }
}

const canBeAbsent = ({ optional, rest }: NonNullable<Carried>) => Boolean(optional || rest);
