// A demonstration for users of iTwin.js: it plans a route, and uses only packages of iTwin.js. Run `npm start` first.
import { BentleyCloudRpcManager, RpcInterface, RpcManager } from '@itwin/core-common';

class FleetPlannerRpcInterface extends RpcInterface {
  static interfaceName = 'FleetPlannerRpcInterface';
  static interfaceVersion = '1.0.0';
  planRoute() {
    return this.forward(arguments);
  }
}

const uriPrefix =
  process.env.FLEET_PLANNER_URL ?? `http://127.0.0.1:${process.env.FLEET_PLANNER_PORT ?? 3002}`;
const info = { title: 'FleetPlanner', version: 'v1.0' };
BentleyCloudRpcManager.initializeClient({ info, uriPrefix }, [FleetPlannerRpcInterface]);

const planner = RpcManager.getClientForInterface(FleetPlannerRpcInterface);
const token = { key: 'warehouse', iTwinId: 'demo', iModelId: 'warehouse', changeset: { id: '' } };
const robot = '0xa';
const textOf = ({ x, y }) => `(${x.toFixed(2)} m, ${y.toFixed(2)} m)`;
try {
  const goal = { x: 45, y: 62.9 };
  const { places, length } = await planner.planRoute(token, robot, goal);
  console.log(`The route of robot ${robot} to ${textOf(goal)} has ${length.toFixed(2)} m:`);
  for (const place of places) console.log(`  ${textOf(place)}`);
  await planner
    .planRoute(token, robot, { x: 40, y: 17 }) // a shelf stands there
    .catch(({ message }) => console.log(`Error: ${message}`));
} catch ({ message }) {
  console.error(`${message} Is the server running at ${uriPrefix}?`);
  process.exitCode = 1;
}
