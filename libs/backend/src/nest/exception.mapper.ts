import { HttpException } from '@nestjs/common';

/**
 * An `HttpException` as a caller of RPC sees it: its status (500 for one that is no error), its name, the
 * message of its body, and what else the body has.
 */
export function mapHttpException(
  error: unknown,
): { status: number; body: Record<string, unknown> } | undefined {
  if (!(error instanceof HttpException)) return undefined;
  const status = error.getStatus();
  const response = error.getResponse();
  const { message, ...members } =
    typeof response === 'string' ? { message: response } : { message: undefined, ...response };
  const body: Record<string, unknown> = {
    message: error.message,
    ...members,
    isError: true,
    name: error.name,
  };
  if (typeof message === 'string') body['message'] = message;
  // Validation pipes give a list: one text for those who show it, the list for those who look closer.
  if (Array.isArray(message)) {
    body['message'] = message.map(String).join(', ');
    body['details'] = message;
  }
  return { status: status < 400 ? 500 : status, body };
}
