import { ipcChannel, RpcInterface, rpcOperations } from '@linnet/common';
import { z } from 'zod';

const left = z.object({ left: z.number() });

/** Articles, with schemas and declared errors. */
export abstract class Stock extends RpcInterface {
  static readonly interfaceName = 'Stock';
  static interfaceVersion = '1.0.0';
  static readonly operations = rpcOperations<Stock>()({
    take: { errors: { NotEnough: left, Closed: null, Moved: z.string().optional() } },
  });

  abstract take(article: string, count: number): Promise<void>;
}

export interface DeskIpc {
  order(article: string): Promise<number>;
}

export interface DeskNotifications {
  changed(article: string, count: number): void;
}

/** The desk of the warehouse. */
export const desk = ipcChannel<DeskIpc, DeskNotifications>()('desk-v1', {
  methods: { order: { args: [z.string()], result: z.number(), errors: { NotEnough: left, Closed: null } } },
  notifications: { changed: { args: [z.string(), z.number()] } },
});
