import { RpcInterface } from '@linnet/common';
import type { IModelRpcProps } from '@linnet/common';

/** A call that a backend has served, RPC or IPC, or made of another. Times are milliseconds since the epoch, by the backend's clock. */
export interface TracedCall {
  /** For instance `queryRobots` (RPC) or `robot-v1.2.drive` (IPC); `RPC queryRobots` for one that it made. */
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

/** Lets a page show what its clicks did in the backends. */
export abstract class ActivityTraceRpcInterface extends RpcInterface {
  public static readonly interfaceName = 'ActivityTraceRpcInterface';
  public static interfaceVersion = '1.0.0';

  /**
   * Returns what the backend remembers of an activity; empty if the activity is unknown or long past.
   *
   * @param _token routes the request
   * @param _activityId the id that travelled in `X-Correlation-ID`. Only its caller and the tiers it reached know it: it
   * is as good as a secret as long as callers take random ids.
   */
  public async traceActivity(_token: IModelRpcProps, _activityId: string): Promise<ActivityTrace> {
    return this.forward(arguments);
  }
}
