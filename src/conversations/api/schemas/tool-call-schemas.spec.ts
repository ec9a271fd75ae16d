import { toolDefinitions } from '../../../tools/index.js';
import { toolCallSchemas } from './tool-call-schemas.js';

describe('toolCallSchemas', () => {
  it('documents the observation of every tool', () => {
    const schemas = Object.keys(toolCallSchemas());
    const undocumented = toolDefinitions().filter(
      ({ observationKind }) => !schemas.includes(observationKind),
    );
    expect(undocumented.map(({ observationKind }) => observationKind)).toEqual([]);
  });
});
