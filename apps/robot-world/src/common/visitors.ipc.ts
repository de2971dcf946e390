import { ipcChannel } from '@linnet/common';

/** Methods for people who look at the floor at the same time, whichever node serves them. */
export interface VisitorsIpc {
  /**
   * Begins a visit, which ends with the session. A second call changes the name.
   *
   * @param name up to 100 characters
   * @returns the names of all visitors, the new one among them
   */
  enter(name: string): Promise<string[]>;

  /** Greets all other visitors. Fails if this frontend has not entered. */
  greet(text: string): Promise<void>;
}

/** Notifications for visitors. */
export interface VisitorsNotifications {
  /** Somebody has entered or left. Has the names of all visitors. */
  changed(names: string[]): void;

  /** Another visitor says something. */
  greeted(name: string, text: string): void;
}

export const visitorsChannel = ipcChannel<VisitorsIpc, VisitorsNotifications>('visitors-v1.0', {
  methods: { enter: {}, greet: {} },
});
