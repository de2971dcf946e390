import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ActivityLogger } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { ActivityRecorder } from '../../robot-world/src/common/trace/activity.recorder.js';
import { RecordingLogger } from '../../robot-world/src/common/trace/recording.logger.js';
import { FleetPlannerModule } from './fleet-planner.module.js';

/** Creates the application, which does not listen yet. */
export async function createFleetPlannerApp(logger = new ActivityLogger()): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(
    FleetPlannerModule,
    new LinnetExpressAdapter(),
    { bufferLogs: true },
  );
  app.useLogger(new RecordingLogger(logger, app.get(ActivityRecorder, { strict: false })));
  app.enableShutdownHooks();
  return app;
}
