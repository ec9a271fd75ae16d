import { finishSchema } from './response-format.js';

describe('finishSchema', () => {
  const moved = (schema: Record<string, unknown>): unknown =>
    (finishSchema(schema)['properties'] as { output: unknown }).output;

  it('moves references of schemas, under names that are keywords, too', () => {
    const schema = (reference: string) => ({
      $defs: { enum: { type: 'string' }, properties: { items: { $ref: reference } } },
      properties: {
        const: { $ref: reference },
        default: { anyOf: [{ $ref: reference }] },
        $ref: { type: 'null' },
      },
    });
    expect(moved(schema('#/$defs/enum'))).toEqual(schema('#/properties/output/$defs/enum'));
  });

  it('leaves data alone that look like references', () => {
    const data = { $ref: '#/$defs/point', properties: { x: { $ref: '#' } } };
    const schema = { enum: [data], const: data, default: data, examples: [data] };
    expect(moved({ ...schema, items: schema })).toEqual({ ...schema, items: schema });
  });
});
