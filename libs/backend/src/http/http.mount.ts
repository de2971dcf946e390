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

type Work = () => Promise<void>;

/** The work to do before an adapter closes: what delays the drains, and then the drains. */
interface ClosingWork {
  readonly delays: Work[];
  readonly drains: Work[];
}

const closing = new WeakMap<object, ClosingWork>();

function workOf(adapter: AbstractHttpAdapter): ClosingWork {
  const known = closing.get(adapter);
  if (known) return known;
  const work: ClosingWork = { delays: [], drains: [] };
  closing.set(adapter, work);
  beforeAdapterCloses(adapter, async () => {
    await Promise.all(work.delays.map((each) => each()));
    await Promise.all(work.drains.map((each) => each()));
  });
  return work;
}

/** Has work run first of all when an application closes. Calls are served until it is done. */
export function delayDrains(adapter: AbstractHttpAdapter, delay: Work): void {
  workOf(adapter).delays.push(delay);
}

/**
 * Lets calls in flight finish before anything else of the application ends. Nest destroys modules from the root down, so that
 * the database of the root module would be closed before a hook of a library runs.
 */
export function drainOnClose(adapter: AbstractHttpAdapter, drain: Work): void {
  workOf(adapter).drains.push(drain);
}
