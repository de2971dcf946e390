// OpenTelemetry for calls of Linnet: @linnet/common/telemetry. It needs the package @opentelemetry/api, and loads nothing else.
export { enableTelemetry } from './enable.js';
export type { TelemetryOptions } from './enable.js';
export type { EventLoopDelay } from './meters.js';
