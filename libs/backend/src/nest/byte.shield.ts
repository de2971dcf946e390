import { ClassSerializerInterceptor } from '@nestjs/common';
import type { NestInterceptor } from '@nestjs/common';

/** Whether results pass through `instanceToPlain`, which turns a `Uint8Array` into `{"0":1,…}`. */
export function serializesClasses(interceptors: readonly NestInterceptor[]): boolean {
  return interceptors.some((interceptor) => interceptor instanceof ClassSerializerInterceptor);
}

/**
 * Makes every byte array in a value a `Buffer`, which class-transformer copies as what it is. What contains
 * one is copied, prototypes kept; nothing of the implementation's is changed.
 */
export function shieldBytes(value: unknown, ancestors: readonly object[] = []): unknown {
  if (typeof value !== 'object' || value === null || ancestors.includes(value)) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const inner = [...ancestors, value];
  if (Array.isArray(value)) {
    const items = value.map((item) => shieldBytes(item, inner));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  const source = value as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(source)) {
    const shielded = shieldBytes(source[key], inner);
    if (shielded === source[key]) continue;
    copy ??= Object.assign(Object.create(Object.getPrototypeOf(source) as object) as typeof source, source);
    copy[key] = shielded;
  }
  return copy ?? value;
}
