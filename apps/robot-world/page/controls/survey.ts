import { RobotWorldReadRpcInterface } from '../../src/common/robot-world.rpc.js';
import type { SurveyReport } from '../../src/common/robot-world.props.js';
import type { Activities } from '../activity/activities.js';
import { robotWorld, token } from '../backend/backends.js';
import { byId } from '../dom/elements.js';

/** Connects the buttons of the survey: a call that is pending for seconds, shows its progress, and can be cancelled. */
export function connectSurvey(activities: Activities): void {
  const start = byId('survey', HTMLButtonElement);
  const cancel = byId('cancel', HTMLButtonElement);
  const progress = byId('progress', HTMLProgressElement);
  const report = byId('report', HTMLElement);

  const survey = async () => {
    const abort = new AbortController();
    const giveUp = () => abort.abort(new Error('The survey was cancelled.'));
    cancel.addEventListener('click', giveUp, { once: true });
    [start.disabled, cancel.disabled] = [true, false];
    cancel.focus();
    progress.value = 0;
    await activities.run('Measure all obstacles', async ({ id: activityId }) => {
      const stopListening = robotWorld.client.addListener((event) => {
        if (event.activityId !== activityId || event.kind !== 'pending') return;
        const [done = 0, all = 1] = event.message.match(/\d+/g)?.map(Number) ?? [];
        [progress.value, progress.max] = [done, all];
        report.textContent = event.message;
      });
      const world = robotWorld.client.client(RobotWorldReadRpcInterface);
      try {
        const found = await world
          .with({ activityId, signal: abort.signal })
          .surveyObstacles(token, activityId);
        progress.value = progress.max;
        report.textContent = summaryOf(found);
      } catch (error) {
        report.textContent = abort.signal.aborted
          ? `Cancelled at ${report.textContent}.`
          : 'The survey has failed.';
        // The end of polling does not stop the survey on the server.
        const stop = () => world.with({ activityId }).cancelSurvey(token, activityId);
        if (abort.signal.aborted) await stop().catch(() => undefined);
        throw error;
      } finally {
        stopListening();
        cancel.removeEventListener('click', giveUp);
      }
    });
    const hadFocus = document.activeElement === cancel;
    [start.disabled, cancel.disabled] = [false, true];
    // A button loses the focus when it is disabled.
    if (hadFocus) start.focus();
  };
  start.addEventListener('click', () => void survey());
}

function summaryOf(report: SurveyReport): string {
  return Object.entries(report)
    .map(([kind, { count, area }]) => `${count.toLocaleString()} × ${kind}, ${Math.round(area)} m²`)
    .join('; ');
}
