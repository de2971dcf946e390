import { IpcApp } from '@linnet/frontend';
import { floorChannel } from '../../src/common/floor.ipc.js';
import type { FloorIpc } from '../../src/common/floor.ipc.js';
import type { ObstacleProps } from '../../src/common/robot-world.props.js';
import { byId } from '../dom/elements.js';
import type { FloorCanvas } from './floor.canvas.js';
import type { Floor } from './floor.js';

/** Draws obstacles while they arrive. */
export class ObstacleView {
  readonly #bar = byId('found', HTMLProgressElement);
  #latest: readonly ObstacleProps[] | undefined;

  constructor(
    private readonly floor: Floor,
    private readonly view: FloorCanvas,
  ) {}

  /** Searches the floor for obstacles, and draws these instead of the known ones. Ends a search that is still running. */
  async load(activityId: string): Promise<void> {
    const found: ObstacleProps[] = [];
    this.#latest = this.floor.obstacles = found;
    this.#bar.value = 0;
    this.#bar.hidden = false;
    const floor = IpcApp.frontend.makeIpcProxy<FloorIpc>(floorChannel, { activityId });
    for await (const { obstacles, searched } of floor.findObstacles()) {
      // Leaving the loop stops the search in the backend.
      if (this.#latest !== found) return;
      found.push(...obstacles);
      this.#bar.value = searched;
      this.view.viewChanged();
    }
    if (this.#latest === found) this.#bar.hidden = true;
  }
}
