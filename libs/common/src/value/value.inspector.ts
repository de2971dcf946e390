import { isMemory, remedyOf, uncarriedKind } from './value.kinds.js';

/** Walks a value in document order until `visit` returns a value. A cycle is visited once more, but not entered. */
function walk<T>(
  value: unknown,
  visit: (item: unknown, path: string, cyclic: boolean) => T | undefined,
  path = 'value',
  ancestors = new Set<unknown>(),
): T | undefined {
  const cyclic = ancestors.has(value);
  const found = visit(value, path, cyclic);
  if (found !== undefined || typeof value !== 'object' || value === null || cyclic || ancestors.size > 1000)
    return found;
  if (ArrayBuffer.isView(value) || typeof (value as { toJSON?: unknown }).toJSON === 'function')
    return undefined;
  ancestors.add(value);
  for (const key of Object.keys(value)) {
    const step = Array.isArray(value) ? `[${key}]` : `.${key}`;
    const result = walk((value as Record<string, unknown>)[key], visit, path + step, ancestors);
    if (result !== undefined) return result;
  }
  ancestors.delete(value);
  return undefined;
}

/**
 * Describes where a value has a part that cannot be sent, and the remedy. Returns `undefined` if the whole value can be
 * sent.
 *
 * @param carries returns a value for a typed array that can be sent
 */
export function describeUnsendable(
  value: unknown,
  carries: (view: ArrayBufferView) => object | undefined,
): string | undefined {
  return walk(value, (item, path, cyclic) => {
    if (cyclic) return `The value cannot be sent: ${path} refers back to what contains it.`;
    if (typeof item === 'bigint') return `The value cannot be sent: ${path} is a BigInt.`;
    if (typeof item !== 'object' || item === null || isMemory(item)) return undefined;
    const view = ArrayBuffer.isView(item) ? (item as Uint8Array) : undefined;
    const kind = view ? !carries(view) && view[Symbol.toStringTag] : uncarriedKind(item);
    return kind ? `The value cannot be sent: ${path} is of kind ${kind}; ${remedyOf(kind)}.` : undefined;
  });
}

/** Describes the parts of a value that its receiver will not see, for warnings in development mode. Never throws. */
export function describeLosses(value: unknown): string[] {
  const losses: string[] = [];
  try {
    collectLosses(value, losses);
  } catch {
    // A getter throws at its second reading. The value was sent, so a missing warning is better than an error.
  }
  return losses;
}

function collectLosses(value: unknown, losses: string[]): void {
  walk(value, (item, path, cyclic) => {
    if (cyclic) return undefined;
    if (typeof item === 'function' || typeof item === 'symbol') losses.push(`${path} is a ${typeof item}`);
    else if (item === undefined && path.endsWith(']')) losses.push(`${path} is undefined`);
    else if (typeof item === 'number' && !Number.isFinite(item)) losses.push(`${path} is ${item}`);
    else if (item instanceof Date) losses.push(`${path} is a Date`);
    return undefined;
  });
}
