import { isMemory, uncarriedKind } from '@linnet/common/internal';

/**
 * The typed arrays that placeholders stand for. Class-transformer makes an empty or another object of a typed array, but
 * copies a symbol unchanged, whatever type is declared for it.
 */
const views = new WeakMap<symbol, object>();

/** A member of an object in which a typed array was restored. */
export interface Place {
  readonly holder: Record<string, unknown> | Map<unknown, unknown>;
  readonly key: string;
  readonly placeholder: symbol;
}

/**
 * Replaces every typed array in a value by a placeholder. An object that contains one is copied with its prototype, so that
 * objects of the caller and of the implementation stay as they are.
 */
export function replaceViews(value: unknown, ancestors = new Set<object>()): unknown {
  if (typeof value !== 'object' || value === null || ancestors.has(value)) return value;
  if (isOpaque(value)) {
    const placeholder = Symbol('bytes');
    views.set(placeholder, value);
    return placeholder;
  }
  ancestors.add(value);
  const copy = Array.isArray(value) ? replaceInList(value, ancestors) : replaceInRecord(value, ancestors);
  ancestors.delete(value);
  return copy;
}

/**
 * Whether a value is a typed array, or of a kind that is refused later, as a stream. Class-transformer would make `{}` of it.
 * It has a form for maps and sets.
 */
function isOpaque(value: object): boolean {
  if (ArrayBuffer.isView(value) || isMemory(value)) return true;
  return !(value instanceof Map || value instanceof Set) && uncarriedKind(value) !== undefined;
}

function replaceInList(list: unknown[], ancestors: Set<object>): unknown[] {
  let copy: unknown[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const replaced = replaceViews(list[i], ancestors);
    if (replaced !== list[i]) (copy ??= [...list])[i] = replaced;
  }
  return copy ?? list;
}

function replaceInRecord(value: object, ancestors: Set<object>): object {
  const record = value as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(record)) {
    const replaced = replaceViews(record[key], ancestors);
    if (replaced === record[key]) continue;
    copy ??= Object.assign(Object.create(Object.getPrototypeOf(record) as object) as typeof record, record);
    copy[key] = replaced;
  }
  return copy ?? record;
}

/** Replaces placeholders by their typed arrays, in the value itself. @returns the value */
export function restoreViews(value: unknown, places: Place[] = []): unknown {
  const view = viewOf(value);
  if (view) return view;
  const seen = new Set<unknown>();
  const stack = [value];
  while (stack.length > 0) {
    const holder = stack.pop();
    if (typeof holder !== 'object' || holder === null || ArrayBuffer.isView(holder) || seen.has(holder))
      continue;
    seen.add(holder);
    const members = holder instanceof Map ? holder : Object.entries(holder);
    for (const [key, item] of members as Iterable<[string, unknown]>) {
      const found = viewOf(item);
      if (!found) stack.push(item);
      else {
        const place = { holder: holder as Place['holder'], key, placeholder: item as symbol };
        put(place, found);
        places.push(place);
      }
    }
  }
  return value;
}

/** Replaces again the typed arrays that {@link restoreViews} has restored and that are still in their places. */
export function replaceAgain(places: readonly Place[]): void {
  for (const place of places) {
    const { holder, key, placeholder } = place;
    const current = holder instanceof Map ? holder.get(key) : holder[key];
    if (current === views.get(placeholder)) put(place, placeholder);
  }
}

function put({ holder, key }: Place, value: unknown): void {
  if (holder instanceof Map) holder.set(key, value);
  else holder[key] = value;
}

function viewOf(value: unknown): object | undefined {
  return typeof value === 'symbol' ? views.get(value) : undefined;
}
