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
  /** Who wrote it: the name of a class, as a rule. */
  context: string;
  text: string;
}

/** What a backend remembers of an activity, in the order in which it ended or was written. */
export interface ActivityTrace {
  calls: TracedCall[];
  lines: TracedLine[];
}

/** Lets a page show what its clicks did in the backends. */
export abstract class ActivityTraceRpcInterface extends RpcInterface {
  public static readonly interfaceName = 'ActivityTraceRpcInterface';
  public static interfaceVersion = '1.0.0';

  /**
   * Tells what is remembered of an activity; of one that is unknown or long past, nothing.
   *
   * @param _token routes the request
   * @param _activityId as it travelled in `X-Correlation-ID`. Who knows it has made it up, or was told: it is as
   * good as a secret as long as callers take random ones.
   */
  public async traceActivity(_token: IModelRpcProps, _activityId: string): Promise<ActivityTrace> {
    return this.forward(arguments);
  }
}
