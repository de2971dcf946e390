import { observer } from '@linnet/common/internal';
import { activityFields } from '@linnet/backend';

/**
 * Shows a log line of the current call in the inspector. Lines of `ActivityLogger` are shown without it. Call it in another
 * logger.
 *
 * @param level `log`, `error`, `warn`, `debug`, `verbose` or `fatal`
 * @param context the source of the line, usually the name of a class
 */
export function recordLine(level: string, context: string, message: unknown): void {
  if (!observer?.line) return;
  const { ActivityId: activityId = '' } = activityFields();
  if (activityId !== '') observer.line({ activityId, level, context, message });
}
