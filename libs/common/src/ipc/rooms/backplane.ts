/** The reason why a backplane failed. */
export type BackplaneFailure =
  /** The backplane did not confirm in time. It may have done what was asked. */
  | 'unreachable'
  /** The queue for the backplane is full. Nothing was sent. */
  | 'full'
  /** The node, or the session, that was meant does not exist. */
  | 'absent';

/** A backplane could not do what was asked. */
export class BackplaneError extends Error {
  constructor(
    /** Distinguishes the failures. */
    readonly failure: BackplaneFailure,
    message: string,
  ) {
    super(message);
    this.name = 'BackplaneError';
  }
}

/** An entry of the state that the nodes share. It belongs to one node, and vanishes when that node does. */
export interface BackplaneEntry {
  /** Unique in its group. */
  readonly key: string;
  /** The text that the node has set. */
  readonly value: string;
  /** The node that has set the entry. */
  readonly node: string;
}

/** Receives what a backplane has for a node. */
export interface BackplaneEvents {
  /**
   * Receives a frame for this node, or for a topic that it subscribes to. Frames that one sender publishes arrive in its order,
   * whatever their topics, and so do those that it sends to this node; the two have no common order. After a fault some may arrive
   * again, in the same order. The receiver owns the memory. Never throws.
   *
   * @param topic `undefined` for a frame to this node
   */
  frame(topic: string | undefined, frame: Uint8Array): void;
  /**
   * The backplane is back, and may have forgotten this node: the node repeats its subscriptions and entries. Never throws.
   *
   * @param hasMissed whether frames for this node may be lost
   */
  restored(hasMissed: boolean): void;
}

/**
 * One node of a backplane. Every function rejects with a {@link BackplaneError} if the backplane does not confirm in time.
 * Calls take effect in the order in which they are made, without waiting for one another.
 */
export interface BackplaneNode {
  /**
   * Sends a frame to all other nodes that subscribe to a topic.
   *
   * @returns resolves when the backplane is sure to deliver the frame to each of them, as long as they live
   */
  publish(topic: string, frame: Uint8Array): Promise<void>;
  /** Sends a frame to one node, and resolves as {@link publish}. Rejects with `absent` if the node does not exist. */
  send(node: string, frame: Uint8Array): Promise<void>;
  /** Whether a node is connected to the backplane. `true` as well for a node of which that cannot be known at once. */
  lives(node: string): Promise<boolean>;
  /** Receives the frames of a topic: all that are published after the returned promise resolves. */
  subscribe(topic: string): Promise<void>;
  /** Ends {@link subscribe}. */
  unsubscribe(topic: string): Promise<void>;
  /** Sets an entry of a group. An entry of another node with this key is replaced. */
  set(group: string, key: string, value: string): Promise<void>;
  /** Deletes an entry, if it is of this node. */
  delete(group: string, key: string): Promise<void>;
  /** Finds an entry of a node that lives. */
  get(group: string, key: string): Promise<BackplaneEntry | undefined>;
  /** All entries of a group, of nodes that live. */
  list(group: string): Promise<BackplaneEntry[]>;
  /** Keeps a text for any node, which may {@link take} it once within `lifeMs` milliseconds. */
  keep(key: string, text: string, lifeMs: number): Promise<void>;
  /** Takes out a text that was kept, so that nobody else gets it. */
  take(key: string): Promise<string | undefined>;
  /** Ends the node: its subscriptions and entries vanish. Waits for what is on its way. Never rejects. */
  leave(): Promise<void>;
}

/** Connects the nodes of one application: the processes that serve its sessions. */
export interface IpcBackplane {
  /**
   * Adds a node. Returns at once: calls wait until the backplane is reachable.
   *
   * @param node unique among all nodes that ever were: a random id of this process
   */
  join(node: string, events: BackplaneEvents): BackplaneNode;
}
