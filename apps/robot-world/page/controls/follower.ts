import { IpcApp } from '@linnet/frontend';
import { robotChannel } from '../../src/common/robot.ipc.js';
import type { RobotIpc } from '../../src/common/robot.ipc.js';
import type { RobotProps, RobotSighting } from '../../src/common/robot-world.props.js';
import { messageOf } from '../activity/activity.js';
import { byId } from '../dom/elements.js';
import type { Floor } from '../floor/floor.js';

/** The most positions of the trail, enough for some minutes. */
const KEPT = 2000;

/** Follows the chosen robot, by a stream that is open as long as the robot is chosen. */
export class Follower {
  readonly #line = byId('followed', HTMLElement);
  #leave = new AbortController();
  #robot: RobotProps | undefined;

  constructor(private readonly floor: Floor) {
    floor.onChange(() => {
      if (this.#robot && floor.chosen !== this.#robot.id) this.#end();
    });
  }

  /** @param activityId the activity that the stream belongs to */
  async follow(robot: RobotProps, activityId: string): Promise<void> {
    this.#end();
    this.#robot = robot;
    const { signal } = this.#leave;
    const robots = IpcApp.frontend.makeIpcProxy<RobotIpc>(robotChannel, { activityId, signal });
    try {
      for await (const sighting of robots.follow(robot.id)) {
        // An item may arrive after the choice has ended.
        if (signal.aborted) return;
        this.#show(robot, sighting);
      }
    } catch (error) {
      if (!signal.aborted) this.#line.textContent = `${robot.name} is not followed: ${messageOf(error)}`;
    }
  }

  #show({ name }: RobotProps, { x, y, travelled }: RobotSighting): void {
    const { trail } = this.floor;
    trail.push({ x, y });
    if (trail.length > KEPT) trail.shift();
    this.floor.changed();
    this.#line.textContent = `Following ${name}: ${travelled.toFixed(1)} m so far, now at (${x.toFixed(1)} m, ${y.toFixed(1)} m).`;
  }

  #end(): void {
    this.#leave.abort(new Error('The robot is not chosen any more.'));
    this.#leave = new AbortController();
    this.#robot = undefined;
    this.floor.trail.length = 0;
    this.#line.textContent = '';
  }
}
