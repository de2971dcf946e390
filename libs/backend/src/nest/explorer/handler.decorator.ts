import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import type { InjectableOptions } from '@nestjs/common';
import { ENTRY_PROVIDER_WATERMARK, PATH_METADATA } from '../internals/nest.exports.js';

/**
 * Makes a class a provider that is called from outside, and that `findDecorated` finds.
 *
 * @param key under which it is found
 * @param metadata what is to be known of the class
 */
export function decorateHandler(
  target: object,
  key: symbol,
  metadata: object,
  options: InjectableOptions,
): void {
  Injectable(options)(target as NewableFunction);
  // Without it Nest silently skips request-scoped global guards for classes other than controllers.
  Reflect.defineMetadata(ENTRY_PROVIDER_WATERMARK, true, target);
  // Nest asks a class among a module's controllers for its path; this one has no routes under it.
  if (!Reflect.hasMetadata(PATH_METADATA, target)) Reflect.defineMetadata(PATH_METADATA, '/', target);
  Reflect.defineMetadata(key, metadata, target);
}
