const VALUE_BYTES = 8;
const OBJECT_BYTES = 48;

/** Estimates the bytes of memory of a value from a peer, which has no cycles and limited depth. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return VALUE_BYTES + value.length;
  if (typeof value !== 'object' || value === null) return VALUE_BYTES;
  if (ArrayBuffer.isView(value)) return OBJECT_BYTES + value.byteLength;
  let bytes = OBJECT_BYTES;
  if (Array.isArray(value)) for (const item of value) bytes += sizeOf(item);
  else
    for (const key of Object.keys(value))
      bytes += key.length + sizeOf((value as Record<string, unknown>)[key]);
  return bytes;
}
