// A demonstration for users of iTwin.js: a client that uses only packages of iTwin.js. Run `npm start` first.
import { BentleyCloudRpcManager, RpcInterface, RpcManager } from '@itwin/core-common';

class RobotWorldReadRpcInterface extends RpcInterface {
  static interfaceName = 'RobotWorldReadRpcInterface';
  static interfaceVersion = '1.0.0';
  countRobots() {
    return this.forward(arguments);
  }
  queryObstaclesHitByRobot() {
    return this.forward(arguments);
  }
  floorSnapshot() {
    return this.forward(arguments);
  }
  surveyObstacles() {
    return this.forward(arguments);
  }
}

const uriPrefix = process.env.ROBOT_WORLD_URL ?? `http://127.0.0.1:${process.env.PORT ?? 3001}`;
const info = { title: 'RobotWorldEngine', version: 'v1.0' };
const pendingRequestListener = (_type, request) => console.log(`  surveying: ${request.extendedStatus}`);
const configuration = BentleyCloudRpcManager.initializeClient({ info, uriPrefix, pendingRequestListener }, [
  RobotWorldReadRpcInterface,
]);
configuration.pendingOperationRetryInterval = 400; // milliseconds

const robots = RpcManager.getClientForInterface(RobotWorldReadRpcInterface);
const token = { key: 'warehouse', iTwinId: 'demo', iModelId: 'warehouse', changeset: { id: '' } };
try {
  console.log(`${await robots.countRobots(token)} robots are in the warehouse.`);
  console.log(`Robot 0xc touches: ${await robots.queryObstaclesHitByRobot(token, '0xc')}`);
  const snapshot = await robots.floorSnapshot(token, { minX: 0, minY: 0, maxX: 100, maxY: 50 }, 0.25);
  const blocked = snapshot.filter((cell) => cell === 1).length / snapshot.length;
  console.log(
    `A snapshot of ${snapshot.length} bytes: ${Math.round(blocked * 100)} % of that floor is taken.`,
  );
  const { shelf, pallet, pillar } = await robots.surveyObstacles(token, `try-${Date.now()}`);
  console.log(`Surveyed ${shelf.count} shelves, ${pallet.count} pallets and ${pillar.count} pillars.`);
  await robots
    .queryObstaclesHitByRobot(token, '0xbad')
    .catch(({ message }) => console.log(`Error: ${message}`));
} catch ({ message }) {
  console.error(`${message} Is the server running at ${uriPrefix}?`);
  process.exitCode = 1;
}
