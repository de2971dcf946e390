/** How a call has failed, as its caller sees it. */
export interface Failure {
  name: string;
  message: string;
  /** The status of the response over HTTP; over IPC a member of the error, where the exception has one. */
  status: number | undefined;
  retryAfterMs: number | undefined;
  details: ValidationDetail[] | undefined;
}

/** Where an argument breaks its schema. */
interface ValidationDetail {
  argument: number;
  path: (string | number)[];
}

export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const error = await call.then(
    (result) => {
      throw new Error(`The call is answered: ${JSON.stringify(result)}`);
    },
    (reason: unknown) => reason as Error & Partial<Failure> & { statusCode?: number },
  );
  const { name, message, retryAfterMs, details } = error;
  return { name, message, status: error.status ?? error.statusCode, retryAfterMs, details };
}
