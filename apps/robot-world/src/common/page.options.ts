/** Whether the page makes spans: not at all, kept in its memory, or sent to a collector as well. */
type PageTracing = 'off' | 'kept' | 'sent';

/** The options of the page that depend on the deployment. */
export interface PageOptions {
  /** The address of the second backend. */
  readonly fleetPlanner: string;
  readonly tracing: PageTracing;
}
