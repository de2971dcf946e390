import { ipcChannel } from '@linnet/common';
import type { DriveResult, Id64String, Position, Region, RobotSighting } from './robot-world.props.js';

/** Methods that a frontend can call in its session with the robots. */
export interface RobotIpc {
  /**
   * Begins to notify this frontend of robots that move in a part of the floor, enter it or leave it. A second subscription
   * replaces the first.
   *
   * @param region the part, in metres; default: the whole floor
   * @returns how many robots stand in it now
   */
  subscribe(region?: Region | null): Promise<number>;

  /** Ends the notifications, as the end of the session does. */
  unsubscribe(): Promise<void>;

  /**
   * Drives a robot in a straight line, at 1.5 m/s, until it arrives or an obstacle is in its way. It stops early if it is
   * stopped or driven elsewhere, and when this session ends.
   *
   * @param robotId the robot; the call fails with `RobotNotFound` if the robot does not exist
   * @param to the new position of its centre, in metres
   */
  drive(robotId: Id64String, to: Position): Promise<DriveResult>;

  /** Stops a robot, even if another frontend drives it. */
  stop(robotId: Id64String): Promise<void>;

  /**
   * Follows a robot. Sends its position, and then each of its moves, until the reader leaves. A frontend that reads slowly gets
   * the latest position, and misses those between.
   *
   * @param robotId the robot; the call fails with `errorNumbers.notFound` if the robot does not exist
   */
  follow(robotId: Id64String): AsyncIterable<RobotSighting>;
}

/** Notifications for frontends. */
export interface RobotNotifications {
  /** A frontend that cannot keep up gets the latest position of each robot, and misses those between. */
  moved(robotId: Id64String, position: Position): void;
}

export const robotChannel = ipcChannel<RobotIpc, RobotNotifications>()('robot-v1.2', {
  methods: {
    subscribe: {},
    unsubscribe: {},
    drive: { errors: { RobotNotFound: null } },
    stop: {},
    follow: { stream: true },
  },
});
