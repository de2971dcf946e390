/** The reason why a backplane failed. */
export type BackplaneFailure =
  /** The backplane did not confirm in time. It may have done what was asked. */
  | 'unreachable'
  /** The queue for the backplane is full. Nothing was sent. */
  | 'full'
  /** The node, the session or the log that was meant does not exist. */
  | 'absent'
  /** Another node has added to the log before. */
  | 'overtaken';

/** All of them. */
export const failures: readonly BackplaneFailure[] = ['unreachable', 'full', 'absent', 'overtaken'];

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
   * whatever their topics, and so do those that it sends to this node; the two have no common order. Frames that several nodes
   * publish arrive in one order, the same at every node: sessions that move rely on it. After a fault some may arrive again, in the
   * same order. The receiver owns the memory. Never throws.
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
  /** The backplane does not answer: a line for the log. {@link restored} follows when it is back. Never throws. */
  lost?(reason: string): void;
}

/** A frame that another node has not read, and the topic that brought it. */
export interface MissedFrame {
  /** The topic. */
  readonly topic: string;
  /** The frame, as it was published. */
  readonly frame: Uint8Array;
}

/** A log of frames, which one node after another goes on with. */
export interface BackplaneLog {
  /** The number of the last frame; 0 without one. */
  readonly last: number;
  /** The frames, in order. */
  readonly frames: readonly Uint8Array[];
}

/** How a frame is added to a log. */
export interface AppendOptions {
  /** The number of the last frame, as the node knows it; 0 without one. */
  readonly after: number;
  /** Whether the frame takes the place of all frames before it. */
  readonly replaces: boolean;
  /** After so many milliseconds without another frame the log vanishes. */
  readonly lifeMs: number;
}

/** Keeps what another node needs to go on with a session when its node dies. */
export interface BackplaneLogs {
  /**
   * Adds a frame to the log of a key, or deletes the log with a frame without bytes. A call whose answer was lost may take effect twice,
   * as one. Rejects with `overtaken` if the log has another last frame.
   *
   * @returns the number of the frame
   */
  append(key: string, frame: Uint8Array, options: AppendOptions): Promise<number>;
  /** Reads the log of a key. */
  read(key: string): Promise<BackplaneLog>;
  /** The place of this node in the frames of its topics: everything before it was received. */
  readonly position: number;
  /**
   * The frames of topics that a node has not received behind a position of its, in order. Some that are older may be among them.
   * Rejects with `absent` if they are not known any more.
   */
  missed(node: string, topics: readonly string[], position: number): Promise<MissedFrame[]>;
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
  /** How many entries a group has. Entries of nodes that have died may count for a while. */
  count(group: string): Promise<number>;
  /** Keeps a text for any node, which may {@link take} it once within `lifeMs` milliseconds. */
  keep(key: string, text: string, lifeMs: number): Promise<void>;
  /** Takes out a text that was kept, so that nobody else gets it. */
  take(key: string): Promise<string | undefined>;
  /** Logs of sessions. Absent if the backplane has none: sessions die with their node. */
  readonly logs?: BackplaneLogs;
  /** Remembers calls that run once. Default: {@link logs}. Absent together with them: each process remembers its own calls. */
  readonly records?: Pick<BackplaneLogs, 'append' | 'read'>;
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
