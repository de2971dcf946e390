import { ipcChannel } from '@linnet/common';
import type { RpcStream } from '@linnet/common';
import type { FoundObstacles, PlanProgress, SurveyReport } from './robot-world.props.js';

/** Methods about the floor itself, with streams as result and argument, and with progress. */
export interface FloorIpc {
  /** Searches the floor from south to north, and sends the obstacles as they are found. */
  findObstacles(): AsyncIterable<FoundObstacles>;

  /**
   * Adds the obstacles of a floor plan. The plan is read while it arrives, so that it can be of any size. A plan with an error
   * adds nothing, nor does a plan whose caller aborts. Reports a {@link PlanProgress} after each part.
   *
   * The plan is a text in UTF-8. Each line has one obstacle: its kind, `minX`, `minY`, `maxX` and `maxY`, in metres and with
   * spaces between them. The rest of the line is a remark. Empty lines and lines that begin with `#` are ignored.
   *
   * ```
   * # kind  minX minY maxX maxY  remark
   * shelf   12.5 30   15.3 31.2  tyres
   * pillar  20   30.2 20.8 31
   * ```
   *
   * @param plan the bytes of the file; the call fails with `errorNumbers.invalidPlan` if a line is wrong, and with
   * `errorNumbers.notPossible` if the floor would get too many obstacles. The error names the first wrong line
   * @returns the bytes that were read, and the obstacles that were added
   */
  importPlan(plan: RpcStream<Uint8Array>): Promise<PlanProgress>;

  /**
   * Measures all obstacles. A survey takes seconds. It reports a `SurveyProgress` at each step, and stops if its caller aborts.
   */
  surveyObstacles(): Promise<SurveyReport>;
}

/** Notifications for frontends. */
export interface FloorNotifications {
  /** The obstacles on the floor have changed. */
  rebuilt(): void;
}

export const floorChannel = ipcChannel<FloorIpc, FloorNotifications>('floor-v1.0', {
  methods: { findObstacles: { stream: true }, importPlan: {}, surveyObstacles: {} },
});
