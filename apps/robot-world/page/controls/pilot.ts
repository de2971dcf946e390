import { IpcApp, isIpcError, ServerError } from '@linnet/frontend';
import type { IpcErrorOf } from '@linnet/frontend';
import { FleetPlannerRpcInterface } from '../../../fleet-planner/src/common/fleet-planner.rpc.js';
import { robotChannel } from '../../src/common/robot.ipc.js';
import type { RobotIpc } from '../../src/common/robot.ipc.js';
import { RobotWorldReadRpcInterface } from '../../src/common/robot-world.rpc.js';
import type { DriveResult, Id64String, Position, RobotProps } from '../../src/common/robot-world.props.js';
import type { Activities } from '../activity/activities.js';
import type { Activity } from '../activity/activity.js';
import { robotWorld, token } from '../backend/backends.js';
import type { Backend } from '../backend/backends.js';
import { announce } from '../dom/elements.js';
import type { Floor } from '../floor/floor.js';
import type { Follower } from './follower.js';

/** Chooses and drives robots. Each choice and each drive is an activity. */
export class Pilot {
  /** The second backend, once its address is known. */
  planner: Backend | undefined;

  constructor(
    private readonly floor: Floor,
    private readonly follower: Follower,
    private readonly activities: Activities,
  ) {}

  /** Chooses a robot, fetches the obstacles that it touches over RPC, and follows it over IPC. */
  choose(robot: RobotProps): Promise<void> {
    this.floor.choose(robot.id);
    return this.activities.run(`Choose ${robot.name}`, async (activity) => {
      void activity.within(() => this.follower.follow(robot, activity.id));
      const client = robotWorld.client.client(RobotWorldReadRpcInterface);
      const world = activity.bind(client.with({ activityId: activity.id }));
      const touched = await world.queryObstaclesHitByRobot(token, robot.id);
      // The user may have chosen another robot meanwhile.
      if (this.floor.chosen !== robot.id) return;
      this.floor.touched = new Set(touched);
      this.floor.changed();
      const what = touched.length > 0 ? touched.join(', ') : 'nothing';
      activity.log(`${robot.name} touches ${what}`);
      announce(`${robot.name} is chosen. It touches ${what}. Click the place to drive to.`);
    });
  }

  /** Requests a route from the second backend, and drives the chosen robot along it over IPC. */
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
        announce(`${robot.name} ${ending}.`);
      } finally {
        // The robot may have got another goal meanwhile.
        if (this.floor.routes.get(robot.id)?.at(-1) === to) this.floor.routes.delete(robot.id);
        this.floor.changed();
      }
    });
  }

  /** Stops the chosen robot, even if another page drives it. */
  async stop(): Promise<void> {
    const robot = this.floor.chosenRobot;
    if (!robot) return;
    await this.activities.run(`Stop ${robot.name}`, (activity) =>
      activity.time('IPC stop', () => ipc(activity).stop(robot.id)),
    );
  }

  /** The places to drive to, in order, with the goal as the last one; only the goal if no planner answers. */
  async #plan(activity: Activity, robot: RobotProps, goal: Position): Promise<readonly Position[]> {
    const client = this.planner?.client.client(FleetPlannerRpcInterface);
    if (!client) return [goal];
    const planner = activity.bind(client.with({ activityId: activity.id }));
    try {
      const { places, length } = await planner.planRoute(token, robot.id, goal);
      activity.log(`A route of ${length.toFixed(1)} m, with ${places.length - 2} bends`);
      announce(`${robot.name} drives ${length.toFixed(1)} m.`);
      return [...places.slice(1, -1), goal];
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      activity.log(`fleet-planner does not answer: ${error.message}`, 'warn');
      announce(`${robot.name} drives straight: fleet-planner does not answer.`);
      return [goal];
    }
  }

  /** @returns how the drive ended, as the rest of a sentence */
  async #follow(activity: Activity, { id }: RobotProps, route: readonly Position[]): Promise<string> {
    const goal = route.at(-1);
    for (const [index, place] of route.entries()) {
      const ahead = this.floor.routes.get(id);
      if (ahead?.at(-1) !== goal) return 'has a new goal';
      this.floor.routes.set(id, route.slice(index));
      const result = await this.#driveTo(activity, id, place);
      if (typeof result === 'string') return result;
      if (!result.arrived)
        return this.floor.routes.get(id)?.at(-1) === goal ? reasonOf(result) : 'has a new goal';
    }
    return 'has arrived';
  }

  /** @returns how the drive ended, or why it failed as the rest of a sentence */
  async #driveTo(activity: Activity, id: Id64String, place: Position): Promise<DriveResult | string> {
    try {
      return await activity.time('IPC drive', () => ipc(activity).drive(id, place));
    } catch (error) {
      if (!isIpcError(error, robotChannel, 'drive')) throw error;
      return failureOf(error);
    }
  }
}

/** The compiler reports an error that the channel declares and this function does not handle. */
function failureOf(error: IpcErrorOf<typeof robotChannel, 'drive'>): string {
  switch (error.name) {
    case 'RobotNotFound':
      return 'does not exist any more';
    default:
      return error.name satisfies never;
  }
}

/** The robots' channel, for calls of an activity. Calls have no time limit, because a drive may take minutes. */
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
