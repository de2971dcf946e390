import type { IModelRpcProps } from '@linnet/common';

/**
 * The warehouse that a call is about, by which gateways can route requests. Its members have the names of iTwin.js, so that the
 * demonstration clients of iTwin.js (`npm run try`) can call the same operations.
 */
export type WarehouseToken = IModelRpcProps;

/** Id of a robot or an obstacle: `0x` and lower-case hexadecimal digits. */
export type Id64String = string;

/** A place on the floor, in metres from its south-west corner: `x` eastward, `y` northward. */
export interface Position {
  x: number;
  y: number;
}

/** A part of the floor, edges included, in metres from its south-west corner. */
export interface Region {
  minX: number;
  minY: number;
  maxX: number;
  maxY: number;
}

/** A robot without an id. Seen from above it is a disc. */
export interface NewRobotProps extends Position {
  /** The name for people. */
  name: string;
  /** Half of its width, in metres. */
  radius: number;
}

/** A robot on the floor. */
export interface RobotProps extends NewRobotProps {
  id: Id64String;
}

/** How a drive ended. */
export interface DriveResult {
  arrived: boolean;
  /** The position of the robot now. */
  position: Position;
  /** The obstacles in its way, or an empty list at the edge of the floor. Absent if it arrived or was stopped. */
  hit?: Id64String[];
}

export const obstacleKinds = ['shelf', 'pallet', 'pillar'] as const;
export type ObstacleKind = (typeof obstacleKinds)[number];

/** An obstacle for robots: the ground that it covers. */
export interface ObstacleProps extends Region {
  id: Id64String;
  kind: ObstacleKind;
}

/** Obstacles that a search has found in one strip of the floor. */
export interface FoundObstacles {
  obstacles: ObstacleProps[];
  /** The share of the floor that has been searched so far, from 0 to 1. */
  searched: number;
}

/** The position of a followed robot. */
export interface RobotSighting extends Position {
  /** The length of its way since the stream began, in metres. */
  travelled: number;
}

/** The progress of an import of a floor plan. */
export interface PlanProgress {
  /** The bytes that were read. */
  bytes: number;
  /** The obstacles that were added. */
  obstacles: number;
}

/** The progress of a survey. */
export interface SurveyProgress {
  /** The obstacles that were measured. */
  surveyed: number;
  /** All obstacles. */
  total: number;
}

/** The size of the floor, which changes only when the warehouse is rebuilt. */
export interface FloorProps {
  /** East to west, in metres. */
  width: number;
  /** North to south, in metres. */
  depth: number;
}

/** The number of obstacles of each kind. */
export type SurveyReport = Record<ObstacleKind, { count: number; /** In square metres. */ area: number }>;

/** The content of a cell of a floor snapshot. */
export const FloorCell = { free: 0, obstacle: 1, robot: 2 } as const;
