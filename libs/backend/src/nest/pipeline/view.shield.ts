import { isMemory, uncarriedKind } from '@linnet/common/internal';

/**
 * Stands for a typed array while class-transformer is at work, which makes an empty or another object of it: a symbol is
 * copied as what it is, whatever type is declared for it.
 */
const views = new WeakMap<symbol, object>();

/** Where in an object a typed array is shown again. */
export interface Place {
  readonly holder: Record<string, unknown> | Map<unknown, unknown>;
  readonly key: string;
  readonly stand: symbol;
}

/**
 * Puts a stand-in in the place of every typed array in a value. An object that contains one is copied, prototypes kept:
 * nothing is changed that the caller or the implementation holds.
 */
export function hideViews(value: unknown, ancestors = new Set<object>()): unknown {
  if (typeof value !== 'object' || value === null || ancestors.has(value)) return value;
  if (isOpaque(value)) {
    const stand = Symbol('bytes');
    views.set(stand, value);
    return stand;
  }
  ancestors.add(value);
  const copy = Array.isArray(value) ? hideInList(value, ancestors) : hideInRecord(value, ancestors);
  ancestors.delete(value);
  return copy;
}

/**
 * Whether it is a typed array; or a stream or the like, which is to be refused and not to become `{}` on the way. For a
 * map and a set class-transformer has a form.
 */
function isOpaque(value: object): boolean {
  if (ArrayBuffer.isView(value) || isMemory(value)) return true;
  return !(value instanceof Map || value instanceof Set) && uncarriedKind(value) !== undefined;
}

function hideInList(list: unknown[], ancestors: Set<object>): unknown[] {
  let copy: unknown[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const hidden = hideViews(list[i], ancestors);
    if (hidden !== list[i]) (copy ??= [...list])[i] = hidden;
  }
  return copy ?? list;
}

function hideInRecord(value: object, ancestors: Set<object>): object {
  const record = value as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(record)) {
    const hidden = hideViews(record[key], ancestors);
    if (hidden === record[key]) continue;
    copy ??= Object.assign(Object.create(Object.getPrototypeOf(record) as object) as typeof record, record);
    copy[key] = hidden;
  }
  return copy ?? record;
}

/** Puts the typed arrays back in the places of their stand-ins, in the value itself. @returns the value */
export function showViews(value: unknown, places: Place[] = []): unknown {
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
      const shown = viewOf(item);
      if (!shown) stack.push(item);
      else {
        const place = { holder: holder as Place['holder'], key, stand: item as symbol };
        put(place, shown);
        places.push(place);
      }
    }
  }
  return value;
}

/** Hides again what {@link showViews} has shown, where it still is. */
export function hideAgain(places: readonly Place[]): void {
  for (const place of places) {
    const { holder, key, stand } = place;
    const current = holder instanceof Map ? holder.get(key) : holder[key];
    if (current === views.get(stand)) put(place, stand);
  }
}

function put({ holder, key }: Place, value: unknown): void {
  if (holder instanceof Map) holder.set(key, value);
  else holder[key] = value;
}

function viewOf(value: unknown): object | undefined {
  return typeof value === 'symbol' ? views.get(value) : undefined;
}
