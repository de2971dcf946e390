export { InspectorModule } from './inspector.module.js';
export { recordLine } from './record/record.line.js';
export type { InspectorAuthorize, InspectorOptions } from './inspector.options.js';
