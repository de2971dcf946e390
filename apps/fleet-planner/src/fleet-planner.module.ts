import { createRequire } from 'node:module';
import { Module } from '@nestjs/common';
import { RpcClientModule, RpcModule } from '@linnet/backend';
import { HttpTransport } from '@linnet/common';
import type { Contract } from '@linnet/common/contract';
import { InspectorModule } from '@linnet/inspector';
import { isOnThisComputer } from '../../robot-world/src/common/local.request.js';
import { RobotWorldReadRpcInterface } from '../../robot-world/src/common/robot-world.rpc.js';
import { ActivityRecorder } from '../../robot-world/src/common/trace/activity.recorder.js';
import { RecordingTransport } from '../../robot-world/src/common/trace/recording.transport.js';
import { TraceModule } from '../../robot-world/src/common/trace/trace.module.js';
import { RoutePlanner } from './planner/route.planner.js';
import { SearchPort } from './planner/search.port.js';
import { FleetPlannerRpcImpl } from './rpc/fleet-planner.impl.js';

// Found by the name of the package, because the compiled file lies in another folder than its source.
const contract = createRequire(import.meta.url)('fleet-planner/contract.json') as Contract;

@Module({
  imports: [
    RpcModule.forRoot({
      info: { title: 'FleetPlanner', version: 'v1.0' },
      // For the demonstration clients of iTwin.js, which show the message of an error only for some statuses.
      errorStatus: 'readable',
      docs: { path: '/docs', contract },
    }),
    TraceModule,
    InspectorModule.forRoot({ name: 'fleet-planner', authorize: isOnThisComputer }),
    RpcClientModule.forFeatureAsync([
      {
        interface: RobotWorldReadRpcInterface,
        imports: [TraceModule],
        inject: [ActivityRecorder],
        useFactory: (recorder: ActivityRecorder) => {
          const http = new HttpTransport({
            uriPrefix: process.env['ROBOT_WORLD_URL'] ?? `http://127.0.0.1:${process.env['PORT'] ?? 3001}`,
            info: { title: 'RobotWorldEngine', version: 'v1.0' },
          });
          return { transport: new RecordingTransport(http, recorder) };
        },
      },
    ]),
  ],
  providers: [RoutePlanner, SearchPort, FleetPlannerRpcImpl],
})
export class FleetPlannerModule {}
