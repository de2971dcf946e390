import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { ActivityLogger } from '@linnet/backend';
import { ElectronHost } from '@linnet/electron/main';
import { ActivityRecorder } from '../../robot-world/src/common/trace/activity.recorder.js';
import { RecordingLogger } from '../../robot-world/src/common/trace/recording.logger.js';
import { RobotWorldModule } from '../../robot-world/src/robot-world.module.js';

const page = join(dirname(createRequire(import.meta.url).resolve('robot-world/package.json')), 'dist-page');

/** The page loads only files that are delivered with it. */
const policy = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Starts Robot World without an HTTP server: its module answers the windows of this process. */
export async function startRobotWorldDesktop(logger = new ActivityLogger()): Promise<void> {
  const application = await NestFactory.createApplicationContext(RobotWorldModule, { bufferLogs: true });
  application.useLogger(new RecordingLogger(logger, application.get(ActivityRecorder, { strict: false })));
  const electronHost = { webResourcesPath: page, contentSecurityPolicy: policy };
  await ElectronHost.startup({ application, electronHost });
}
