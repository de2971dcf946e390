import { Module } from '@nestjs/common';
import { RpcClientModule, RpcModule } from '@linnet/backend';
import { RobotWorldReadRpcInterface } from '../../robot-world/src/common/robot-world.rpc.js';
import { TraceModule } from '../../robot-world/src/common/trace/trace.module.js';
import { RoutePlanner } from './planner/route.planner.js';
import { FleetPlannerRpcImpl } from './rpc/fleet-planner.impl.js';

@Module({
  imports: [
    RpcModule.forRoot({
      info: { title: 'FleetPlanner', version: 'v1.0' },
      // iTwin.js clients show the message of an error only with statuses that they read.
      errorStatus: 'readable',
    }),
    TraceModule,
    RpcClientModule.forFeatureAsync([
      {
        interface: RobotWorldReadRpcInterface,
        useFactory: () => ({
          uriPrefix: process.env['ROBOT_WORLD_URL'] ?? `http://127.0.0.1:${process.env['PORT'] ?? 3001}`,
          info: { title: 'RobotWorldEngine', version: 'v1.0' },
        }),
      },
    ]),
  ],
  providers: [RoutePlanner, FleetPlannerRpcImpl],
})
export class FleetPlannerModule {}
