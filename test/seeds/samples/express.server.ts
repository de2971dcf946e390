/* oxlint-disable typescript/no-floating-promises, oxc/no-async-endpoint-handlers -- as it is written; nothing of it rejects */
import type Express from 'express';
import type { WebRpcConfiguration } from '@linnet/backend/node';

/**
 * @param express of release 4: one of release 5 calls the path `/{*splat}`
 */
export function serve(express: typeof Express, rpcConfiguration: WebRpcConfiguration) {
  const webServer = express();
  webServer.post('*', async (request, response) => {
    rpcConfiguration.protocol.handleOperationPostRequest(request, response);
  });
  return webServer;
}
