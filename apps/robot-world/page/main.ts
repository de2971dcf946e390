import { IpcApp } from '@linnet/frontend';
import { floorChannel } from '../src/common/floor.ipc.js';
import { robotChannel } from '../src/common/robot.ipc.js';
import type { RobotIpc } from '../src/common/robot.ipc.js';
import { visitorsChannel } from '../src/common/visitors.ipc.js';
import type { VisitorsIpc } from '../src/common/visitors.ipc.js';
import { RobotWorldReadRpcInterface } from '../src/common/robot-world.rpc.js';
import { Activities } from './activity/activities.js';
import type { Activity } from './activity/activity.js';
import { findOptions, fleetPlannerAt, robotWorld, token } from './backend/backends.js';
import { keepConnected, showBackend } from './backend/connection.js';
import { connectDriveForm } from './controls/drive.form.js';
import { connectImport } from './controls/floor.plan.js';
import { Follower } from './controls/follower.js';
import { byId, announce } from './dom/elements.js';
import { FloorCanvas } from './floor/floor.canvas.js';
import { FloorInput } from './controls/floor.input.js';
import { Floor } from './floor/floor.js';
import { ObstacleView } from './floor/obstacle.view.js';
import { Pilot } from './controls/pilot.js';
import { connectSurvey } from './controls/survey.js';

const options = await findOptions();
const tracing = options && options.tracing !== 'off' ? await import('./trace/tracing.js') : undefined;
const floor = new Floor();
const activities = new Activities(tracing?.startTracing(options!.tracing === 'sent'));
const follower = new Follower(floor);
const pilot = new Pilot(floor, follower, activities);
const view = new FloorCanvas(byId('floor', HTMLCanvasElement), floor);
const obstacles = new ObstacleView(floor, view);
new FloorInput(floor, view, pilot).listen();
connectDriveForm(floor, view, pilot);
connectSurvey(activities);
connectImport(activities);
activities.add(robotWorld);
keepConnected(floor, (news) => void activities.run('Load the floor', (activity) => load(activity, news)));
IpcApp.frontend.addListener(floorChannel, (_event, name: string) => {
  if (name === 'rebuilt') void activities.run('Find the obstacles of the floor', find);
});

// The desktop application has no HTTP server.
if (options) Object.assign(byId('inspector', HTMLAnchorElement), { href: 'inspector/', hidden: false });
IpcApp.frontend.addListener(visitorsChannel, (_event, name: string, names: unknown) => {
  if (name === 'changed') showVisitors((names as string[]).length);
});

void findPlanner();

/** Loads the floor for a new session. */
async function load(activity: Activity, news: string): Promise<void> {
  const { id: activityId } = activity;
  const robots = IpcApp.frontend.makeIpcProxy<RobotIpc>(robotChannel, { activityId });
  const world = activity.bind(robotWorld.client.client(RobotWorldReadRpcInterface).with({ activityId }));
  // Subscribes first, so that no move is missed while the floor is loaded.
  const count = await activity.time('IPC subscribe', () => robots.subscribe());
  floor.size = await world.describeFloor(token);
  const region = { minX: 0, minY: 0, maxX: floor.size.width, maxY: floor.size.depth };
  const showRobots = async () => {
    const all = await world.queryRobots(token, region);
    floor.robots.clear();
    for (const robot of all) floor.robots.set(robot.id, robot);
    floor.changed();
    // The stream of the previous session has ended with it.
    if (floor.chosenRobot) void follower.follow(floor.chosenRobot, activityId);
  };
  const enter = async () =>
    showVisitors((await IpcApp.frontend.makeIpcProxy<VisitorsIpc>(visitorsChannel).enter('page')).length);
  await Promise.all([showRobots(), find(activity), enter()]);
  const found = floor.obstacles.length.toLocaleString();
  announce(`${news}${count} robots and ${found} obstacles are on the floor. Choose a robot.`);
}

function showVisitors(count: number): void {
  byId('visitors', HTMLElement).textContent = count === 1 ? '' : `${count} pages show this floor.`;
}

/** Draws the obstacles while they arrive. */
function find(activity: Activity): Promise<void> {
  return activity.time('IPC findObstacles', () => obstacles.load(activity.id));
}

async function findPlanner(): Promise<void> {
  if (!options) {
    showBackend('fleet-planner', 'unknown', 'not in the desktop application; robots drive straight');
    return;
  }
  const planner = fleetPlannerAt(options);
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
