import { mergeOptions } from '../../base/merge.options.js';
import type { RpcEndpoint } from '../../rpc/definition/endpoint.js';

const jsonContent = (type: 'array' | 'object') => ({ 'application/json': { schema: { type } } });
const pathParameter = (name: string, required: boolean) => ({
  name,
  in: 'path',
  required,
  schema: { type: 'string' },
});

/** Describes the served operations as OpenAPI 3.0.0, in the form of the reference (docs/wire.md#29-service-endpoints). */
export function openApiDocument(
  prefix: string,
  endpoints: RpcEndpoint[],
  named?: { title: string; version: string },
) {
  const info = mergeOptions({ title: 'linnet', version: 'v1.0' }, named);
  const base = `${prefix}/${info.title}/${info.version}`;
  const route = `${base}/mode/{modeId}/context/{iTwinId}/imodel/{iModelId}/changeset/{changeSetId}`;
  const paths: Record<string, object> = Object.create(null) as Record<string, object>;
  for (const { interfaceName, interfaceVersion, operationNames } of endpoints) {
    for (const operation of operationNames) {
      paths[`${route}/${interfaceName}-${interfaceVersion}-${operation}`] = {
        head: {
          requestBody: { content: jsonContent('array'), required: true },
          responses: {
            200: { description: 'Success', content: jsonContent('object') },
            default: { description: 'Error', content: jsonContent('object') },
          },
        },
        parameters: [
          pathParameter('modeId', true),
          pathParameter('iTwinId', true),
          pathParameter('iModelId', true),
          pathParameter('changeSetId', false),
        ],
      };
    }
  }
  return { openapi: '3.0.0', info, paths };
}
