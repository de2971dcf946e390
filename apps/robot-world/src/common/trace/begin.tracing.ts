/** Makes spans of the calls of this process if `npm start -- --trace` asks for them. Without it nothing is loaded for them. */
export async function beginTracing(serviceName: string): Promise<void> {
  if (!process.env['ROBOT_WORLD_TRACE']) return;
  const { startTracing } = await import('./tracing.js');
  const end = startTracing(serviceName);
  // The last spans are sent when the application has closed.
  process.once('beforeExit', () => void end());
}
