import { ipcChannel, RpcInterface, RpcOperation } from '@linnet/common';
import type { IModelRpcProps, RpcOperations, RpcStream } from '@linnet/common';

/** Id of a robot: `0x` and hexadecimal digits. */
export type Id64String = string;

export enum Wheel {
  Left = 'left',
  Right = 'right',
}

export interface Position {
  x: number;
  y: number;
}

/** A robot on the floor. */
export interface Robot extends Position {
  id: Id64String;
  /** The name for people. */
  name?: string;
  parts: Part[];
  state: 'idle' | 'driving' | null;
  greet(): void;
}

export interface Part {
  wheel: Wheel;
  parts: Part[];
}

export interface Page<T> {
  items: T[];
  next?: string;
}

/** Robots of a warehouse. */
export abstract class Robots extends RpcInterface {
  static readonly interfaceName = 'Robots';
  static interfaceVersion = '1.2.0';
  static readonly operations: RpcOperations<Robots> = {
    list: { idempotency: 'safe' },
    find: {},
    photo: {},
    follow: { stream: true, resumable: true },
    upload: { concurrency: 2 },
    rename: {},
    built: {},
    tags: {},
  };

  /**
   * Lists robots.
   *
   * @param token routes the request
   * @param limit the most robots of a page
   */
  abstract list(token: IModelRpcProps, limit?: number): Promise<Page<Robot>>;
  abstract find(id: Id64String): Promise<Robot | undefined>;
  @RpcOperation({ allowResponseCaching: true })
  async photo(_ids: Id64String[]): Promise<Uint8Array> {
    return this.forward(arguments);
  }
  abstract follow(id: Id64String): AsyncIterable<Position>;
  abstract upload(name: string, content: RpcStream<Uint8Array>): Promise<void>;
  /** @deprecated robots keep their names */
  abstract rename(id: Id64String, ...names: string[]): Promise<void>;
  abstract built(): Promise<Date>;
  abstract tags(pair: [name: string, value?: number]): Promise<Record<string, boolean>>;
  protected abstract helper(): Promise<void>;
}

export interface FloorIpc {
  /** Builds the floor anew. */
  rebuild(seed: number): Promise<Position>;
  tail(): AsyncIterable<string>;
  hidden(): Promise<void>;
}

export interface FloorNotifications {
  /** A robot has moved. */
  moved(id: Id64String, to: Position): void;
}

/** The floor of the warehouse. */
export const floorChannel = ipcChannel<FloorIpc, FloorNotifications>('floor-v1.0', {
  methods: { rebuild: {}, tail: { stream: true } },
});
