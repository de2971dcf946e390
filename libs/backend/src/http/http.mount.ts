import type { Logger } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressIntegration } from './express.integration.js';
import { FastifyIntegration } from './fastify.integration.js';
import type { HttpIntegration } from './http.integration.js';
import { beforeAdapterCloses } from '../nest/internals/nest.patches.js';

/**
 * Makes the integration of an adapter's framework. It records from now on which middleware the application adds, and which
 * Nest adds.
 *
 * @returns `undefined` for a framework other than Express and Fastify
 */
export function watchHttp(adapter: AbstractHttpAdapter, logger: Logger): HttpIntegration | undefined {
  const type = adapter.getType();
  if (type === 'express') return new ExpressIntegration(adapter, logger);
  return type === 'fastify' ? new FastifyIntegration(adapter) : undefined;
}

/** How long calls in flight may take when an application closes, unless its options say otherwise; in milliseconds. */
export const SHUTDOWN_MS = 10_000;

/** By adapter, the work to do before it closes. */
const drains = new WeakMap<object, (() => Promise<void>)[]>();

/**
 * Lets calls in flight finish before anything else of the application ends. Nest destroys modules from the root down, so that
 * the database of the root module would be closed before a hook of a library runs.
 */
export function drainOnClose(adapter: AbstractHttpAdapter, drain: () => Promise<void>): void {
  const known = drains.get(adapter);
  if (known) {
    known.push(drain);
    return;
  }
  const all = [drain];
  drains.set(adapter, all);
  beforeAdapterCloses(adapter, async () => {
    await Promise.all(all.map((each) => each()));
  });
}
