import * as parser from '@scalar/openapi-parser';

interface Validation {
  readonly valid: boolean;
  readonly version?: string;
  readonly errors?: readonly unknown[];
}

/** The official validator of OpenAPI documents. Its declarations are not readable for the compiler of this repository. */
export const { validate } = parser as unknown as { validate(document: object): Promise<Validation> };
