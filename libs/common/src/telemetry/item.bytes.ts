/** Values of one item that are looked at. The bytes of a larger item are a lower bound. */
const MOST_VALUES = 1000;

/** Estimates the bytes of an item: the lengths of its texts and byte strings, and 8 for any other value. */
export function itemBytes(item: unknown): number {
  const waiting: unknown[] = [item];
  let bytes = 0;
  for (let i = 0; i < waiting.length && i < MOST_VALUES; i++) {
    const value = waiting[i];
    if (typeof value === 'string') bytes += value.length;
    else if (ArrayBuffer.isView(value)) bytes += value.byteLength;
    else if (typeof value !== 'object' || value === null) bytes += 8;
    else for (const member of Object.values(value).slice(0, MOST_VALUES)) waiting.push(member);
  }
  return bytes;
}
