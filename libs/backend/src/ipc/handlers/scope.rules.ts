import { Scope } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '../../nest/internals/nest.exports.js';
import { IpcSession } from '@linnet/common';
import { wrappersOf } from '../../nest/internals/context.scope.js';
import { dependenciesOf } from '../../nest/internals/wrapper.dependencies.js';

/** How long an instance lives that answers IPC: as long as the application, the session, or one call. */
export type HandlerScope = 'application' | 'session' | 'call';

/** The ways to dependencies, direct or not, that do not live as long as the application. */
interface Needs {
  readonly session: readonly string[] | undefined;
  readonly call: readonly string[] | undefined;
}

/** A durable provider lives on between calls, by the application's strategy. */
const NONE: Needs = { session: undefined, call: undefined };

/**
 * Looks at what a provider is made of, less the enhancers that are bound to it. A provider that
 * depends on the {@link IpcSession} belongs to the session, whatever its scope. A request-scoped one without it belongs to a
 * call.
 */
function needsOf(wrapper: InstanceWrapper, found = new Map<InstanceWrapper, Needs>()): Needs {
  const before = found.get(wrapper);
  if (before) return before;
  // A dependency that leads back here adds nothing.
  found.set(wrapper, NONE);
  const needs = look(wrapper, found);
  found.set(wrapper, needs);
  return needs;
}

function look(wrapper: InstanceWrapper, found: Map<InstanceWrapper, Needs>): Needs {
  if (wrapper.isDependencyTreeStatic() || wrapper.isDependencyTreeDurable()) return NONE;
  const name = nameOf(wrapper);
  if (wrapper.token === IpcSession) return { session: [name], call: undefined };
  let { session, call } = NONE;
  for (const part of dependenciesOf(wrapper)) {
    const needs = needsOf(part, found);
    session ??= needs.session && [name, ...needs.session];
    call ??= needs.call && [name, ...needs.call];
  }
  if (!session && !call && wrapper.scope === Scope.REQUEST) call = [name];
  return { session, call };
}

function nameOf({ name, token }: InstanceWrapper): string {
  return typeof token === 'function' ? token.name : String(name);
}

/**
 * How long a handler lives.
 *
 * @param name of its class
 * @throws Error if it depends on the session and on a provider that is made for each call; it names class and remedy
 */
export function scopeOf(wrapper: InstanceWrapper, name: string): HandlerScope {
  if (wrapper.isDependencyTreeStatic()) return 'application';
  const { session, call } = needsOf(wrapper);
  if (session && call)
    throw new Error(
      `${name} depends on IpcSession${through(session)}, which needs one instance for each session, and on the request-scoped ` +
        `${call.at(-1)}${through(call)}, which needs one for each call. Get the session with @CurrentSession() in its ` +
        'methods, or keep what is request-scoped out of it.',
    );
  if (session) return 'session';
  if (call) return 'call';
  const enhancers = (wrapper.getEnhancersMetadata() ?? []).map((enhancer) => needsOf(enhancer));
  const isOfSession = enhancers.some((needs) => needs.session) && !enhancers.some((needs) => needs.call);
  return isOfSession ? 'session' : 'call';
}

/** The providers between a provider and its dependency, as text. */
function through(way: readonly string[]): string {
  const between = way.slice(1, -1);
  return between.length > 0 ? ` (through ${between.join(', ')})` : '';
}

/** Whether an enhancer of a handler is made anew for each call. */
export function hasEnhancersOfCalls(wrapper: InstanceWrapper): boolean {
  return (wrapper.getEnhancersMetadata() ?? []).some((enhancer) => needsOf(enhancer).call);
}

/** The tokens of what belongs to a session: one instance serves all of its calls. */
export function tokensOfSessions(modules: ModulesContainer): Set<unknown> {
  const tokens = new Set<unknown>();
  for (const wrapper of wrappersOf(modules)) {
    // Each owner has its own instance of a transient provider.
    if (wrapper.isTransient) continue;
    const { session, call } = needsOf(wrapper);
    if (session && !call) tokens.add(wrapper.token);
  }
  return tokens;
}

/** Whether a provider can be made only for a session: for what it depends on, or for what is bound to it. */
export function isMadeForSessions(wrapper: InstanceWrapper): boolean {
  return [wrapper, ...(wrapper.getEnhancersMetadata() ?? [])].some((each) => needsOf(each).session);
}
