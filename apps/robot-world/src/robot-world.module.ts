import { createRequire } from 'node:module';
import { Module } from '@nestjs/common';
import { IpcModule, RpcModule } from '@linnet/backend';
import { InspectorModule } from '@linnet/inspector';
import type { RpcInterfaceDefinition } from '@linnet/backend';
import type { Contract } from '@linnet/common/contract';
import { ActivityTraceRpcInterface } from './common/activity-trace.rpc.js';
import { RobotWorldReadRpcInterface, RobotWorldWriteRpcInterface } from './common/robot-world.rpc.js';
import { isOnThisComputer } from './common/local.request.js';
import { TraceModule } from './common/trace/trace.module.js';
import { ObstacleSearch, SEARCH_PAUSE } from './engine/obstacle.search.js';
import { ObstacleSurveys, SURVEY_PAUSE } from './engine/obstacle.survey.js';
import { PlanImport } from './engine/plan.import.js';
import { RobotMoves } from './engine/robot.moves.js';
import { RobotSightings } from './engine/robot.sightings.js';
import { DRIVE_TICK, RobotTraffic } from './engine/robot.traffic.js';
import { RobotWorldEngine } from './engine/robot-world.engine.js';
import { WAREHOUSE_FILE, WarehouseDatabase } from './engine/warehouse.database.js';
import { NODES_FILE } from './engine/warehouse.file.js';
import { Features, FeaturesModule } from './features.js';
import { FloorIpcHandler } from './ipc/floor.handler.js';
import { RobotIpcHandler } from './ipc/robot.handler.js';
import { VisitorsIpcHandler } from './ipc/visitors.handler.js';
import { nodeBackplane } from './nodes/node.backplane.js';
import { PageController } from './page.controller.js';
import { RobotWorldReadRpcImpl } from './rpc/robot-world-read.impl.js';
import { RobotWorldWriteRpcImpl } from './rpc/robot-world-write.impl.js';

// Found by the name of the package, because the compiled file lies in another folder than its source.
const contract = createRequire(import.meta.url)('robot-world/contract.json') as Contract;

@Module({
  imports: [
    RpcModule.forRootAsync({
      imports: [FeaturesModule],
      inject: [Features],
      useFactory: (features: Features) => ({
        info: { title: 'RobotWorldEngine', version: 'v1.0' },
        interfaces: chooseInterfacesToExpose(features),
        // For the demonstration clients of iTwin.js, which show the message of an error only for some statuses.
        errorStatus: 'readable',
        docs: { path: '/docs', contract },
      }),
    }),
    IpcModule.forRootAsync({
      useFactory: async () => {
        const backplane = await nodeBackplane();
        // A drive may take minutes. The server does not wait for it when it ends: robots stop with their session.
        return { path: '/ipc', shutdownTimeoutMs: 500, ...(backplane && { backplane }) };
      },
    }),
    FeaturesModule,
    TraceModule,
    InspectorModule.forRoot({
      name: 'robot-world',
      authorize: isOnThisComputer,
      others: { 'fleet-planner': inspectorOfPlanner },
    }),
  ],
  controllers: [PageController],
  providers: [
    {
      provide: WAREHOUSE_FILE,
      useFactory: () => process.env['ROBOT_WORLD_DB'] ?? process.env[NODES_FILE] ?? ':memory:',
    },
    { provide: SEARCH_PAUSE, useValue: 10 },
    { provide: SURVEY_PAUSE, useValue: 100 },
    { provide: DRIVE_TICK, useValue: 50 },
    WarehouseDatabase,
    RobotWorldEngine,
    ObstacleSearch,
    ObstacleSurveys,
    PlanImport,
    RobotTraffic,
    RobotMoves,
    RobotSightings,
    RobotWorldReadRpcImpl,
    RobotWorldWriteRpcImpl,
    FloorIpcHandler,
    RobotIpcHandler,
    VisitorsIpcHandler,
  ],
})
export class RobotWorldModule {}

function inspectorOfPlanner(): string {
  const { FLEET_PLANNER_URL: url = 'http://127.0.0.1:3002' } = process.env;
  return `${url.replace(/^http/, 'ws')}/inspector/ipc`;
}

function chooseInterfacesToExpose(features: Features): RpcInterfaceDefinition[] {
  const interfaces: RpcInterfaceDefinition[] = [RobotWorldReadRpcInterface, ActivityTraceRpcInterface];
  if (features.check('robots.write')) interfaces.push(RobotWorldWriteRpcInterface);
  return interfaces;
}
