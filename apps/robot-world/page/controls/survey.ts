import { IpcApp } from '@linnet/frontend';
import { floorChannel } from '../../src/common/floor.ipc.js';
import type { FloorIpc } from '../../src/common/floor.ipc.js';
import type { SurveyProgress, SurveyReport } from '../../src/common/robot-world.props.js';
import type { Activities } from '../activity/activities.js';
import { byId } from '../dom/elements.js';
import { ProgressPanel } from './progress.panel.js';

/** Connects the buttons of the survey, a call that takes seconds, reports its progress, and can be cancelled. */
export function connectSurvey(activities: Activities): void {
  const start = byId('survey', HTMLButtonElement);
  const panel = new ProgressPanel('survey', start);

  const survey = () =>
    activities.run('Measure all obstacles', (activity) =>
      panel.run(async (signal, show) => {
        const onProgress = (progress: unknown) => {
          const { surveyed, total } = progress as SurveyProgress;
          show(surveyed, total, `${surveyed} of ${total} obstacles`);
        };
        const options = { activityId: activity.id, signal, onProgress };
        const floor = IpcApp.frontend.makeIpcProxy<FloorIpc>(floorChannel, options);
        return summaryOf(await activity.time('IPC surveyObstacles', () => floor.surveyObstacles()));
      }),
    );
  start.addEventListener('click', () => void survey());
}

function summaryOf(report: SurveyReport): string {
  return Object.entries(report)
    .map(([kind, { count, area }]) => `${count.toLocaleString()} × ${kind}, ${Math.round(area)} m²`)
    .join('; ');
}
