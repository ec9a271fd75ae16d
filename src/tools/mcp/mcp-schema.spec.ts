import fc from 'fast-check';
import { toToolSchema } from './mcp-schema.js';

describe('toToolSchema', () => {
  it('inlines references and removes nulls and defaults', () => {
    const schema = toToolSchema({
      type: 'object',
      properties: {
        point: { $ref: '#/$defs/Point', description: 'where' },
        name: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null },
        size: { type: ['integer', 'null'] },
        either: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
        list: { type: 'array', items: { $ref: '#/$defs/Point' } },
      },
      required: ['point'],
      $defs: { Point: { type: 'object', properties: { x: { type: 'number', default: 1 } } } },
    });
    const point = { type: 'object', properties: { x: { type: 'number' } } };
    expect(schema).toEqual({
      type: 'object',
      properties: {
        point: { ...point, description: 'where' },
        name: { type: 'string' },
        size: { type: 'integer' },
        either: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
        list: { type: 'array', items: point },
      },
      required: ['point'],
    });
  });

  it('terminates for recursive schemas', () => {
    const node = { type: 'object', properties: { next: { $ref: '#/$defs/Node' } } };
    const text = JSON.stringify(
      toToolSchema({ properties: { list: { $ref: '#/$defs/Node' } }, $defs: { Node: node } }),
    );
    expect(text.length).toBeLessThan(5_000);
    expect(text).not.toContain('$ref');
  });

  it.each([
    [true, true],
    [{ type: 'string' }, true],
    [false, undefined],
    [undefined, undefined],
  ])('allows additional fields if the schema does: %j', (additionalProperties, expected) => {
    expect(toToolSchema({ additionalProperties }).additionalProperties).toBe(expected);
  });

  it('accepts any properties', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (properties) => {
        expect(Object.keys(toToolSchema({ properties }).properties)).toEqual(Object.keys(properties));
      }),
    );
  });
});
