import { IpcApp } from '@linnet/frontend';
import { floorChannel } from '../../src/common/floor.ipc.js';
import type { FloorIpc } from '../../src/common/floor.ipc.js';
import type { PlanProgress } from '../../src/common/robot-world.props.js';
import type { Activities } from '../activity/activities.js';
import { byId } from '../dom/elements.js';
import { ProgressPanel } from './progress.panel.js';

const MB = 1e6;

/** Connects the import of floor plans. A file is read while it is sent, so that neither side has all of it in memory. */
export function connectImport(activities: Activities): void {
  const input = byId('plan', HTMLInputElement);
  const panel = new ProgressPanel('import', input);

  const importPlan = (file: File) =>
    activities.run(`Import ${file.name}`, (activity) =>
      panel.run(async (signal, show) => {
        const onProgress = (progress: unknown) => {
          const { bytes, obstacles } = progress as PlanProgress;
          show(bytes, file.size, `${sizeOf(bytes)} of ${sizeOf(file.size)}, ${obstacles} obstacles`);
        };
        const options = { activityId: activity.id, signal, onProgress };
        const floor = IpcApp.frontend.makeIpcProxy<FloorIpc>(floorChannel, options);
        const { obstacles } = await activity.time('IPC importPlan', () => floor.importPlan(file));
        return `${obstacles.toLocaleString()} obstacles from ${file.name}, ${sizeOf(file.size)}`;
      }),
    );
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    // Empties the input, so that the user can choose the same file again.
    if (file) void importPlan(file).finally(() => (input.value = ''));
  });
}

function sizeOf(bytes: number): string {
  return `${(bytes / MB).toFixed(1)} MB`;
}
