import { RpcInterface } from '@linnet/common';
import type { WarehouseToken } from './robot-world.props.js';

/** A call that a backend has served or made, over RPC or IPC. Times are milliseconds since the epoch, by the backend's clock. */
export interface TracedCall {
  /** For instance `queryRobots` (RPC) or `robot-v1.2.drive` (IPC); `RPC queryRobots` for a call that it made. */
  method: string;
  start: number;
  end: number;
}

/** A line of a backend's log. */
export interface TracedLine {
  time: number;
  level: string;
  /** The source of the line, usually the name of a class. */
  context: string;
  text: string;
}

/** The calls and log lines of an activity that a backend remembers, in the order in which they ended or were written. */
export interface ActivityTrace {
  calls: TracedCall[];
  lines: TracedLine[];
}

/** A span of a trace, at one end of a call. Times are milliseconds since the epoch, by the clock of its tier. */
export interface TracedSpan {
  traceId: string;
  spanId: string;
  /** `''` for the root. */
  parentId: string;
  /** The page or a backend. */
  tier: string;
  /** For instance `FleetPlannerRpcInterface/planRoute`. */
  name: string;
  /** `client`, `server`, `internal`, `producer` or `consumer`. */
  kind: string;
  start: number;
  end: number;
  failed: boolean;
}

/** Lets a page show what its clicks did in the backends. */
export abstract class ActivityTraceRpcInterface extends RpcInterface {
  public static readonly interfaceName = 'ActivityTraceRpcInterface';
  public static interfaceVersion = '1.1.0';

  /**
   * Returns what the backend remembers of an activity; empty if the activity is unknown or long past.
   *
   * @param _token routes the request
   * @param _activityId the id that travelled in `X-Correlation-ID`. Only the caller and the backends
   * of the activity know it: a random id is as good as a secret.
   */
  public async traceActivity(_token: WarehouseToken, _activityId: string): Promise<ActivityTrace> {
    return this.forward(arguments);
  }

  /**
   * Returns the spans of a trace that the backend remembers; none without `npm start -- --trace`.
   *
   * @param _traceId 32 hexadecimal digits, random as an activity's id
   */
  public async traceSpans(_token: WarehouseToken, _traceId: string): Promise<TracedSpan[]> {
    return this.forward(arguments);
  }
}
