import type { ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '../../nest/internals/nest.exports.js';
import { wrappersOf } from '../../nest/internals/context.scope.js';
import { isMadeForSessions } from './scope.rules.js';

/**
 * The marks that decorators of libraries leave on methods or classes that the library calls by itself. For what
 * is request-scoped it makes an instance with something of its own as the request; where that fails, several do
 * not catch it.
 */
const marks = [
  ['EVENT_LISTENER_METADATA', '@OnEvent()'],
  ['SCHEDULER_TYPE', '@Cron(), @Interval() or @Timeout()'],
  ['microservices:pattern', '@MessagePattern() or @EventPattern()'],
  ['bullmq:processor_metadata', '@Processor()'],
  ['bull:module_queue', '@Processor()'],
  ['__commandHandler__', '@CommandHandler()'],
  ['__queryHandler__', '@QueryHandler()'],
  ['__eventsHandler__', '@EventsHandler()'],
] as const;

/**
 * Refuses a class that a library would call outside of sessions, although it can be made only for a session.
 *
 * @throws Error if there is such a class; it names class, method and remedy
 */
export function checkExternalTriggers(modules: ModulesContainer): void {
  for (const wrapper of wrappersOf(modules)) {
    const found = wrapper.isDependencyTreeStatic() ? undefined : marked(wrapper);
    if (found && isMadeForSessions(wrapper))
      throw new Error(
        `${found} would run outside a session, but depends on IpcSession. ` +
          'Move it to a provider that does not depend on it, and get the sessions from IpcHost.',
      );
  }
}

/** The first mark of a class, in words. */
function marked({ metatype, isFactory }: InstanceWrapper): string | undefined {
  if (isFactory || typeof metatype !== 'function') return undefined;
  const markOf = (target: object) => marks.find(([key]) => Reflect.hasMetadata(key, target))?.[1];
  const own = markOf(metatype);
  if (own !== undefined) return `${metatype.name} (${own})`;
  for (
    let level = metatype.prototype as object | null;
    level && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      const mark = typeof value === 'function' && name !== 'constructor' && markOf(value as object);
      if (mark) return `${metatype.name}.${name} (${mark})`;
    }
  }
  return undefined;
}
