import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ActivityLogger } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { RobotWorldModule } from './robot-world.module.js';
import { ActivityRecorder } from './common/trace/activity.recorder.js';
import { RecordingLogger } from './common/trace/recording.logger.js';

// Found by the name of the package, because the compiled file lies in another folder than its source.
const packageFolder = dirname(createRequire(import.meta.url).resolve('robot-world/package.json'));

/** Creates the application, which does not listen yet: RPC, IPC, and a page for browsers. */
export async function createRobotWorldApp(logger = new ActivityLogger()): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(RobotWorldModule, new LinnetExpressAdapter(), {
    bufferLogs: true,
  });
  app.useLogger(new RecordingLogger(logger, app.get(ActivityRecorder, { strict: false })));
  app.useStaticAssets(join(packageFolder, 'dist-page'));
  app.enableShutdownHooks();
  return app;
}
