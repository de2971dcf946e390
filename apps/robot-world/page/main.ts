import { IpcApp } from '@linnet/frontend';
import { robotChannel } from '../src/common/robot.ipc.js';
import type { RobotIpc } from '../src/common/robot.ipc.js';
import { RobotWorldReadRpcInterface } from '../src/common/robot-world.rpc.js';
import { Activities } from './activities.js';
import type { Activity } from './activity.js';
import { findFleetPlanner, robotWorld, token } from './backends.js';
import { pair, showBackend } from './connection.js';
import { offerDriving } from './drive.form.js';
import { byId, tell } from './elements.js';
import { FloorCanvas } from './floor.canvas.js';
import { FloorInput } from './floor.input.js';
import { Floor } from './floor.js';
import { Pilot } from './pilot.js';
import { offerSurvey } from './survey.js';

const floor = new Floor();
const activities = new Activities();
const pilot = new Pilot(floor, activities);
const view = new FloorCanvas(byId('floor', HTMLCanvasElement), floor);
new FloorInput(floor, view, pilot).listen();
offerDriving(floor, view, pilot);
offerSurvey(activities);
activities.add(robotWorld);
pair(floor, (news) => void activities.run('Load the floor', (activity) => load(activity, news)));

void findPlanner();

/** Everything that a new session needs. */
async function load(activity: Activity, news: string): Promise<void> {
  const { id: activityId } = activity;
  const robots = IpcApp.frontend.makeIpcProxy<RobotIpc>(robotChannel, { activityId });
  const world = robotWorld.client.client(RobotWorldReadRpcInterface).with({ activityId });
  // First this, so that nothing moves unseen between the two.
  const count = await activity.time('IPC subscribe', () => robots.subscribe());
  floor.size = await world.describeFloor(token);
  const region = { minX: 0, minY: 0, maxX: floor.size.width, maxY: floor.size.depth };
  const [all, obstacles] = await Promise.all([
    world.queryRobots(token, region),
    world.queryObstacles(token, region),
  ]);
  floor.robots.clear();
  for (const robot of all) floor.robots.set(robot.id, robot);
  floor.obstacles = obstacles;
  floor.changed();
  view.viewChanged();
  tell(`${news}${count} robots and ${obstacles.length.toLocaleString()} obstacles are here. Choose a robot.`);
}

async function findPlanner(): Promise<void> {
  const planner = await findFleetPlanner();
  if (!planner) {
    showBackend('fleet-planner', 'unknown', 'not in the desktop application; robots drive straight');
    return;
  }
  pilot.planner = planner;
  activities.add(planner);
  const { name, url, client } = planner;
  const look = () =>
    client.ready().then(
      () => showBackend(name, 'good', 'answers'),
      () => showBackend(name, 'bad', `does not answer at ${url}; robots drive straight`),
    );
  await look();
  setInterval(() => void look(), 5000);
}
