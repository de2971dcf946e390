import { ipcChannel } from '@linnet/common';
import type { DriveResult, Id64String, Position, Region } from './robot-world.props.js';

/** What a frontend can ask of its session with the robots. */
export interface RobotIpc {
  /**
   * Begins to notify this frontend of robots that move in a part of the floor, those included that enter or
   * leave it. A second subscription takes the place of the first.
   *
   * @param region metres; all of the floor if there is none
   * @returns how many robots stand in it now
   */
  subscribe(region?: Region | null): Promise<number>;

  /** Ends the notifications, as the end of the session does. */
  unsubscribe(): Promise<void>;

  /**
   * Drives a robot in a straight line, at 1.5 m/s, until it arrives or something is in its way. It stops where
   * it is when somebody stops it or drives it elsewhere, and when this session ends.
   *
   * @param robotId it is an error (`IModelStatus.NotFound`) if there is none of this id
   * @param to where its centre shall be, in metres
   */
  drive(robotId: Id64String, to: Position): Promise<DriveResult>;

  /** Stops a robot, whoever drives it. */
  stop(robotId: Id64String): Promise<void>;
}

/** What a frontend is notified of. */
export interface RobotNotifications {
  /** A frontend that cannot keep up is told the latest position of each robot, and spared those between. */
  moved(robotId: Id64String, position: Position): void;
}

export const robotChannel = ipcChannel<RobotIpc, RobotNotifications>('robot-v1.2');
