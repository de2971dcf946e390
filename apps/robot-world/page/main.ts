import { IpcApp } from '@linnet/frontend';
import { robotChannel } from '../src/common/robot.ipc.js';
import type { RobotIpc } from '../src/common/robot.ipc.js';
import { RobotWorldReadRpcInterface } from '../src/common/robot-world.rpc.js';
import { Activities } from './activity/activities.js';
import type { Activity } from './activity/activity.js';
import { findFleetPlanner, robotWorld, token } from './backend/backends.js';
import { keepConnected, showBackend } from './backend/connection.js';
import { connectDriveForm } from './controls/drive.form.js';
import { byId, announce } from './dom/elements.js';
import { FloorCanvas } from './floor/floor.canvas.js';
import { FloorInput } from './controls/floor.input.js';
import { Floor } from './floor/floor.js';
import { Pilot } from './controls/pilot.js';
import { connectSurvey } from './controls/survey.js';

const floor = new Floor();
const activities = new Activities();
const pilot = new Pilot(floor, activities);
const view = new FloorCanvas(byId('floor', HTMLCanvasElement), floor);
new FloorInput(floor, view, pilot).listen();
connectDriveForm(floor, view, pilot);
connectSurvey(activities);
activities.add(robotWorld);
keepConnected(floor, (news) => void activities.run('Load the floor', (activity) => load(activity, news)));

void findPlanner();

/** Loads the floor for a new session. */
async function load(activity: Activity, news: string): Promise<void> {
  const { id: activityId } = activity;
  const robots = IpcApp.frontend.makeIpcProxy<RobotIpc>(robotChannel, { activityId });
  const world = robotWorld.client.client(RobotWorldReadRpcInterface).with({ activityId });
  // Subscribes first, so that no move is missed while the floor is loaded.
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
  announce(
    `${news}${count} robots and ${obstacles.length.toLocaleString()} obstacles are on the floor. Choose a robot.`,
  );
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
