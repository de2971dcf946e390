import { IpcApp, ServerError } from '@linnet/frontend';
import { FleetPlannerRpcInterface } from '../../fleet-planner/src/common/fleet-planner.rpc.js';
import { robotChannel } from '../src/common/robot.ipc.js';
import type { RobotIpc } from '../src/common/robot.ipc.js';
import { RobotWorldReadRpcInterface } from '../src/common/robot-world.rpc.js';
import type { DriveResult, Position, RobotProps } from '../src/common/robot-world.props.js';
import type { Activities } from './activities.js';
import type { Activity } from './activity.js';
import { robotWorld, token } from './backends.js';
import type { Backend } from './backends.js';
import { tell } from './elements.js';
import type { Floor } from './floor.js';

/** Chooses robots and drives them: each an activity, whose calls go to three tiers. */
export class Pilot {
  /** The second backend, once its address is known. */
  planner: Backend | undefined;

  constructor(
    private readonly floor: Floor,
    private readonly activities: Activities,
  ) {}

  /** Asks what a robot touches, over RPC. */
  choose(robot: RobotProps): Promise<void> {
    this.floor.choose(robot.id);
    return this.activities.run(`Choose ${robot.name}`, async (activity) => {
      const world = robotWorld.client.client(RobotWorldReadRpcInterface).with({ activityId: activity.id });
      const touched = await world.queryObstaclesHitByRobot(token, robot.id);
      // Another one may have been chosen meanwhile.
      if (this.floor.chosen !== robot.id) return;
      this.floor.touched = new Set(touched);
      this.floor.changed();
      const what = touched.length > 0 ? touched.join(', ') : 'nothing';
      activity.log(`${robot.name} touches ${what}`);
      tell(`${robot.name} is chosen. It touches ${what}. Where shall it go?`);
    });
  }

  /** Asks the second backend for a way, and drives the chosen robot along it, over IPC. */
  async drive(goal: Position): Promise<void> {
    const robot = this.floor.chosenRobot;
    if (!robot) return;
    this.floor.aim(goal);
    const to = this.floor.goal!;
    await this.activities.run(`Drive ${robot.name} to ${placeOf(to)}`, async (activity) => {
      const route = await this.#plan(activity, robot, to);
      this.floor.routes.set(robot.id, route);
      this.floor.changed();
      try {
        const ending = await this.#follow(activity, robot, route);
        activity.log(`${robot.name} ${ending}`);
        tell(`${robot.name} ${ending}.`);
      } finally {
        // It may have been sent elsewhere meanwhile.
        if (this.floor.routes.get(robot.id)?.at(-1) === to) this.floor.routes.delete(robot.id);
        this.floor.changed();
      }
    });
  }

  /** Stops the chosen robot, whoever drives it. */
  async stop(): Promise<void> {
    const robot = this.floor.chosenRobot;
    if (!robot) return;
    await this.activities.run(`Stop ${robot.name}`, (activity) =>
      activity.time('IPC stop', () => ipc(activity).stop(robot.id)),
    );
  }

  /** The places to drive to, one after the other, the goal itself last; the goal alone where nobody plans. */
  async #plan(activity: Activity, robot: RobotProps, goal: Position): Promise<readonly Position[]> {
    const planner = this.planner?.client.client(FleetPlannerRpcInterface).with({ activityId: activity.id });
    if (!planner) return [goal];
    try {
      const { places, length } = await planner.planRoute(token, robot.id, goal);
      activity.log(`A way of ${length.toFixed(1)} m, with ${places.length - 2} bends`);
      tell(`${robot.name} drives ${length.toFixed(1)} m.`);
      return [...places.slice(1, -1), goal];
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      activity.log(`fleet-planner does not answer: ${error.message}`, 'warn');
      tell(`${robot.name} drives straight: fleet-planner does not answer.`);
      return [goal];
    }
  }

  /** @returns how it ended */
  async #follow(activity: Activity, { id }: RobotProps, route: readonly Position[]): Promise<string> {
    const goal = route.at(-1);
    for (const [index, place] of route.entries()) {
      const ahead = this.floor.routes.get(id);
      if (ahead?.at(-1) !== goal) return 'has been sent elsewhere';
      this.floor.routes.set(id, route.slice(index));
      const result = await activity.time('IPC drive', () => ipc(activity).drive(id, place));
      if (!result.arrived)
        return this.floor.routes.get(id)?.at(-1) === goal ? reasonOf(result) : 'has been sent elsewhere';
    }
    return 'has arrived';
  }
}

/** The robots' channel, for calls of an activity. A drive takes as long as it takes. */
function ipc({ id: activityId }: Activity) {
  return IpcApp.frontend.makeIpcProxy<RobotIpc>(robotChannel, { activityId, timeoutMs: 0 });
}

function reasonOf({ hit }: DriveResult): string {
  if (!hit) return 'has been stopped';
  return hit.length > 0 ? `stands in front of ${hit.join(', ')}` : 'stands at the edge of the floor';
}

function placeOf({ x, y }: Position): string {
  return `(${x.toFixed(1)} m, ${y.toFixed(1)} m)`;
}
