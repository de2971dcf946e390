import type { RpcClientTransport, RpcReply, RpcRequest } from '@linnet/common';
import { now } from './activity.recorder.js';
import type { ActivityRecorder } from './activity.recorder.js';

/** Records the requests of this backend to another one, and sends them with another transport. */
export class RecordingTransport implements RpcClientTransport {
  constructor(
    private readonly transport: RpcClientTransport,
    private readonly recorder: ActivityRecorder,
  ) {}

  async exchange(request: RpcRequest): Promise<RpcReply> {
    const start = now();
    try {
      return await this.transport.exchange(request);
    } finally {
      // The name that pages give to their own requests.
      const call = { method: `RPC ${request.operation}`, start, end: now() };
      this.recorder.addCall(request.activity.activityId, call);
    }
  }
}
