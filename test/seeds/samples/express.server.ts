import type Express from 'express';
import type { WebRpcConfiguration } from '@linnet/backend/node';

/**
 * @param express of release 4: one of release 5 calls the path `/{*splat}`
 */
export function serve(express: typeof Express, rpcConfiguration: WebRpcConfiguration) {
  const webServer = express();
  // oxlint-disable-next-line typescript/no-floating-promises -- as it is written; it never rejects
  webServer.post('*', async (request, response) => {
    rpcConfiguration.protocol.handleOperationPostRequest(request, response);
  });
  return webServer;
}
